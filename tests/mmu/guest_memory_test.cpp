// Guest-physical memory: the map's layers, shadow RAM, and the watch on pages written by DMA.
#include "mmu/guest_memory.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

struct Watcher : MemoryObserver {
  void watched_page_written(PhysAddr address, u32 bytes) override { writes.push_back({address.value, bytes}); }
  void memory_map_changed() override { ++map_changes; }
  std::vector<std::pair<u64, u32>> writes;
  int map_changes = 0;
};

TEST_CASE("RAM keeps what is written, and nothing answers beyond it") {
  Trace trace;
  GuestMemory memory(1 << 20, trace);
  memory.store<u32>(PhysAddr(0xFFE), 0x12345678);
  CHECK(memory.load<u32>(PhysAddr(0xFFE)) == 0x12345678);
  CHECK(memory.load<u32>(PhysAddr(0x100000)) == 0xFFFFFFFF);
  CHECK(memory.load<u32>(PhysAddr(0xFFFFE)) == 0xFFFF0000);
}

TEST_CASE("shadow RAM hides ROM for reads and writes independently") {
  Trace trace;
  GuestMemory memory(1 << 20, trace);
  const std::vector<u8> rom(0x10000, 0x55);
  memory.map_rom(PhysAddr(0xF0000), rom, "bios");
  memory.store<u8>(PhysAddr(0xF0000), 1);
  CHECK(memory.load<u8>(PhysAddr(0xF0000)) == 0x55);
  memory.set_shadow_ram(PhysAddr(0xF0000), 0x10000, false, true);
  memory.store<u8>(PhysAddr(0xF0000), 7);
  CHECK(memory.load<u8>(PhysAddr(0xF0000)) == 0x55);
  memory.set_shadow_ram(PhysAddr(0xF0000), 0x10000, true, false);
  memory.store<u8>(PhysAddr(0xF0000), 9);
  CHECK(memory.load<u8>(PhysAddr(0xF0000)) == 7);
}

TEST_CASE("a DMA write to a watched page is reported, others are not") {
  Trace trace;
  GuestMemory memory(1 << 20, trace);
  Watcher watcher;
  memory.observe(&watcher);
  memory.watch(Ppn(2), true);
  const std::vector<u8> block(0x2000, 1);
  memory.write(PhysAddr(0x1800), block);
  REQUIRE(watcher.writes.size() == 1);
  CHECK(watcher.writes[0] == std::pair<u64, u32>{0x2000, 0x1000});
}

TEST_CASE("memory above the hole starts at 4 GiB") {
  Trace trace;
  GuestMemory memory(GuestMemory::kLowRamLimit + (1 << 20), trace);
  memory.store<u32>(PhysAddr(GuestMemory::kHighRamBase), 42);
  CHECK(memory.load<u32>(PhysAddr(GuestMemory::kHighRamBase)) == 42);
  CHECK(memory.kind(Ppn(0xC0000)) == PageKind::absent);
  CHECK(memory.ram().resident() <= 8192);
}

}  // namespace
}  // namespace penumbra
