// What a multiboot kernel is told of memory, and where its modules may lie.
#include "core/machine/multiboot.h"

#include <doctest/doctest.h>

#include "core/base/error.h"

namespace penumbra {
namespace {

constexpr u64 kRamBytes = 4 << 20;
constexpr u32 kUsableEnd = kRamBytes - 0x20000;  // below the ACPI tables

u32 read32(GuestMemory& memory, u32 at) {
  u32 value = 0;
  memory.read(PhysAddr(at), {reinterpret_cast<u8*>(&value), sizeof value});
  return value;
}

// A kernel of one page at 1 MiB, placed by its header's addresses.
std::vector<u8> small_kernel() {
  constexpr u32 kMagic = 0x1BADB002, kFlags = 0x10000, kBase = 0x100000;
  const std::array<u32, 8> header{kMagic, kFlags, 0 - kMagic - kFlags, kBase, kBase, 0, 0, kBase + 32};
  std::vector<u8> image(4096);
  std::memcpy(image.data(), header.data(), sizeof header);
  return image;
}

TEST_CASE("mem_upper ends where the memory map's first hole above 1 MiB begins") {
  Trace trace;
  GuestMemory memory(kRamBytes, trace);
  const MultibootEntry entry = load_multiboot(memory, small_kernel(), "kernel", "", {});
  CHECK(entry.entry == 0x100020);
  CHECK(read32(memory, entry.info + 4) == 639);
  CHECK(read32(memory, entry.info + 8) == (kUsableEnd - 0x100000) / 1024);
  const u32 map = read32(memory, entry.info + 48), end = map + read32(memory, entry.info + 44);
  u32 ram_end = 0;
  for (u32 at = map; at < end; at += read32(memory, at) + 4)
    if (read32(memory, at + 20) == 1 && read32(memory, at + 4) == 0x100000)
      ram_end = 0x100000 + read32(memory, at + 12);
  CHECK(ram_end == kUsableEnd);
}

TEST_CASE("a module that would reach into the ACPI tables is refused") {
  Trace trace;
  GuestMemory memory(kRamBytes, trace);
  std::vector<MultibootModule> modules{{std::vector<u8>(kUsableEnd - 0x101000), "module"}};
  CHECK_NOTHROW(load_multiboot(memory, small_kernel(), "kernel", "", modules));
  modules[0].bytes.push_back(0);
  CHECK_THROWS_AS(load_multiboot(memory, small_kernel(), "kernel", "", modules), ConfigError);
}

}  // namespace
}  // namespace penumbra
