// The configuration channel: selecting and reading, files, DMA with hostile descriptors, what the board puts in.
#include "devices/fw_cfg.h"

#include <doctest/doctest.h>

#include <string>

#include "core/base/bits.h"
#include "core/base/error.h"
#include "devices/fw_cfg_items.h"
#include "mmu/guest_memory.h"

namespace penumbra {
namespace {

struct Board {
  std::string read(u16 key, std::size_t count) {
    ports.out(0x510, Width::word, key);
    std::string bytes;
    for (std::size_t i = 0; i < count; ++i) bytes += static_cast<char>(ports.in(0x511, Width::byte));
    return bytes;
  }
  template <class T>
  T number(u16 key) {
    return load<T>(read(key, sizeof(T)).data());
  }
  static u32 big(u32 v) { return __builtin_bswap32(v); }
  u32 dma(u32 control, u32 length, u64 address, u64 descriptor = 0x1000) {
    memory.store<u32>(PhysAddr(descriptor), big(control));
    memory.store<u32>(PhysAddr(descriptor + 4), big(length));
    memory.store<u64>(PhysAddr(descriptor + 8), __builtin_bswap64(address));
    if (descriptor >> 32) ports.out(0x514, Width::dword, big(static_cast<u32>(descriptor >> 32)));
    ports.out(0x518, Width::dword, big(static_cast<u32>(descriptor)));
    return big(memory.load<u32>(PhysAddr(descriptor)));
  }
  // Key and size of a file, as a guest finds them.
  std::pair<u16, u32> find(const std::string& name) {
    const u32 count = big(number<u32>(0x19));
    const std::string directory = read(0x19, 4 + count * 64);
    for (u32 i = 0; i < count; ++i) {
      const char* entry = directory.data() + 4 + i * 64;
      if (name == entry + 8) return {static_cast<u16>(__builtin_bswap16(load<u16>(entry + 4))), big(load<u32>(entry))};
    }
    return {0, 0};
  }
  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{1 << 20, trace};
  FwCfg fw_cfg{ports, memory, trace};
};

TEST_CASE("signature, features, and zeros beyond an item and where there is none") {
  Board b;
  CHECK(b.read(0, 6) == std::string("QEMU\0\0", 6));
  CHECK(b.number<u32>(1) == 3);
  CHECK(b.number<u32>(0x1234) == 0);
  CHECK(b.ports.in(0x514, Width::dword) == 0x554D4551);
  CHECK(b.ports.in(0x518, Width::dword) == 0x47464320);
  CHECK(b.ports.in(0x510, Width::word) == 0xFFFF);
}

TEST_CASE("files are found by name, and replaced by name") {
  Board b;
  b.fw_cfg.add_file("etc/one", {1, 2, 3});
  b.fw_cfg.add_file("opt/two", {4, 5});
  const auto [key, size] = b.find("opt/two");
  CHECK(key == 0x21);
  CHECK(size == 2);
  CHECK(b.read(key, 3) == std::string("\4\5\0", 3));
  b.fw_cfg.add_file("etc/one", {9, 9, 9, 9});
  CHECK(b.find("etc/one") == std::pair<u16, u32>{0x20, 4});
  CHECK(b.find("etc/none").first == 0);
  CHECK_THROWS_AS(b.fw_cfg.add_file(std::string(56, 'x'), {}), ConfigError);
  b.fw_cfg.add_file(std::string(55, 'x'), {7});
  CHECK(b.find(std::string(55, 'x')).second == 1);
}

TEST_CASE("DMA selects, skips and reads, with zeros beyond the end") {
  Board b;
  b.fw_cfg.add_item(0x1A, {10, 11, 12, 13, 14, 15});
  b.memory.store<u64>(PhysAddr(0x2000), ~u64{0});
  CHECK(b.dma(0x1A << 16 | 8 | 2, 3, 0x2000) == 0);
  CHECK(b.memory.load<u32>(PhysAddr(0x2000)) == 0xFF0C0B0A);
  CHECK(b.dma(4, 1, 0) == 0);
  CHECK(b.dma(2, 4, 0x2000) == 0);
  CHECK(b.memory.load<u64>(PhysAddr(0x2000)) == 0xFFFFFFFF00000F0E);
  CHECK(b.dma(0x1A << 16 | 8 | 4, 0xFFFFFFFF, 0) == 0);
  CHECK(b.dma(4, 0xFFFFFFFF, 0) == 0);
  CHECK(b.ports.in(0x511, Width::byte) == 0);
  CHECK(b.dma(0x1A << 16 | 8, 5, 0) == 0);
  CHECK(b.ports.in(0x511, Width::byte) == 10);
}

TEST_CASE("DMA writes are refused, whatever the size") {
  Board b;
  b.fw_cfg.add_item(0x1A, {1, 2});
  CHECK(b.dma(0x1A << 16 | 8 | 16, 2, 0x2000) == 1);
  CHECK(b.read(0x1A, 2) == "\1\2");
}

TEST_CASE("descriptors and targets outside of memory do nothing") {
  Board b;
  b.fw_cfg.add_item(0x1A, {1, 2, 3, 4});
  b.memory.store<u32>(PhysAddr(0), 77);
  for (const u64 target : {u64{0x100000}, u64{0xFFFFF000}, u64{0xFFFFFFFFF}, u64{1} << 44, ~u64{0} - 2})
    CHECK(b.dma(0x1A << 16 | 8 | 2, 4, target) == 0);
  CHECK(b.dma(0x1A << 16 | 8 | 2, 0x2000, 0xFF000) == 0);  // half in RAM
  CHECK(b.memory.load<u32>(PhysAddr(0xFF000)) == 0x04030201);
  CHECK(b.memory.load<u32>(PhysAddr(0)) == 77);
  b.ports.out(0x514, Width::dword, 0xFFFFFFFF);
  b.ports.out(0x518, Width::dword, 0xFFFFFFFF);
  b.ports.out(0x518, Width::dword, Board::big(0xFFFFFFF8));
  CHECK(b.memory.load<u32>(PhysAddr(0)) == 77);
}

TEST_CASE("the machine's facts") {
  Board b;
  add_machine_facts(b.fw_cfg, u64{3} << 30, u64{1} << 30, 1);
  CHECK(b.number<u64>(3) == u64{4} << 30);
  CHECK(b.number<u16>(5) == 1);
  CHECK(b.number<u16>(0x0E) == 0);
  CHECK(b.number<u8>(0x8002) == 1);
  const auto [key, size] = b.find("etc/e820");
  REQUIRE(size == 40);
  const std::string table = b.read(key, size);
  CHECK(load<u64>(&table[8]) == u64{3} << 30);
  CHECK(load<u32>(&table[16]) == 1);
  CHECK(load<u64>(&table[20]) == u64{1} << 32);
  CHECK(load<u64>(&table[28]) == u64{1} << 30);
}

TEST_CASE("a kernel is split behind its setup sectors") {
  Board b;
  std::vector<u8> kernel(512 * 4, 0);
  kernel[0x1F1] = 2;
  store<u16>(&kernel[0x1FE], 0xAA55);
  kernel[512] = 0x51;
  kernel[512 * 3] = 0xB0;
  add_linux(b.fw_cfg, kernel, "vmlinuz", {1, 2, 3}, "quiet");
  CHECK(b.number<u32>(0x17) == 1536);
  CHECK(b.number<u32>(0x08) == 512);
  CHECK(b.number<u8>(0x11) == 0xB0);
  CHECK(b.number<u32>(0x0B) == 3);
  CHECK(b.read(0x12, 3) == "\1\2\3");
  CHECK(b.number<u32>(0x14) == 6);
  CHECK(b.read(0x15, 6) == std::string("quiet\0", 6));
  kernel[0x1F1] = 0;  // means 4: the image is too short for that
  CHECK_THROWS_AS(add_linux(b.fw_cfg, kernel, "vmlinuz", {}, ""), ConfigError);
  kernel[0x1FE] = 0;
  CHECK_THROWS_AS(add_linux(b.fw_cfg, kernel, "vmlinuz", {}, ""), ConfigError);
  CHECK_THROWS_AS(add_linux(b.fw_cfg, std::vector<u8>(100), "vmlinuz", {}, ""), ConfigError);
}

TEST_CASE("a kernel that is shorter than its header says is refused; its last paragraph need not be whole") {
  Board b;
  constexpr std::size_t kSetup = 512 * 3, kBody = 0x1000;
  std::vector<u8> kernel(kSetup + kBody - 15, 0);
  kernel[0x1F1] = 2;
  store<u32>(&kernel[0x1F4], kBody / 16);
  store<u16>(&kernel[0x1FE], 0xAA55);
  store<u32>(&kernel[0x202], 0x5372'6448);  // HdrS
  store<u16>(&kernel[0x206], 0x0204);
  CHECK_NOTHROW(add_linux(b.fw_cfg, kernel, "vmlinuz", {}, ""));
  kernel.pop_back();
  CHECK_THROWS_WITH_AS(add_linux(b.fw_cfg, kernel, "vmlinuz", {}, ""),
                       "vmlinuz: the kernel image is cut short: 5616 bytes, of at least 5617 that its header tells of",
                       ConfigError);
  store<u16>(&kernel[0x206], 0x0203);  // too old to be believed
  CHECK_NOTHROW(add_linux(b.fw_cfg, kernel, "vmlinuz", {}, ""));
}

TEST_CASE("the boot order is a line a device") {
  Board b;
  const std::string paths[] = {ide_boot_path(1, 0), floppy_boot_path(0)};
  add_boot_order(b.fw_cfg, paths);
  const auto [key, size] = b.find("bootorder");
  CHECK(b.read(key, size) ==
        std::string("/pci@i0cf8/ide@1,1/drive@1/disk@0\n/pci@i0cf8/isa@1/fdc@03f0/floppy@0\n") + '\0');
}

TEST_CASE("saving, resetting and loading keeps the place in an item") {
  Board b;
  b.read(0, 2);
  b.ports.out(0x514, Width::dword, 0x12345678);
  StateWriter saved;
  b.fw_cfg.visit(saved);
  b.fw_cfg.reset(Reset::hard);
  b.read(1, 1);
  StateReader reader(saved.bytes());
  b.fw_cfg.visit(reader);
  CHECK(b.ports.in(0x511, Width::byte) == 'M');
  StateReader reader2(saved.bytes());
  b.fw_cfg.visit(reader2);
  StateWriter again;
  b.fw_cfg.visit(again);
  CHECK(again.bytes() == saved.bytes());
}

}  // namespace
}  // namespace penumbra
