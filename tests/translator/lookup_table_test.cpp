// The lookup table: what emitted code finds, and what it must not find any more.
#include "translator/lookup_table.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

// As emitted code looks: the slot of the low half, and a sum that is zero for the right EIP only.
u64 looked_up(LookupTable& table, u32 eip) {
  const LookupEntry& entry = table.entries()[lookup_slot(eip)];
  return entry.negated_linear + eip == 0 ? entry.code : 0;
}

TranslatedBlock block_at(u32 eip) {
  TranslatedBlock block;
  block.eip = block.linear = eip;
  block.physical = eip & 0xFFFFFF;
  return block;
}

// Settles a table's doubt where only one page, or none, is mapped as it was; the answer is which pages were asked
// about.
std::vector<u32> settle(LookupTable& table, LookupTable::Doubt doubt, u32 page = ~0u) {
  std::vector<u32> asked;
  table.doubt(doubt);
  table.settle([&](u32 p, u64 physical, bool&) {
    CHECK(physical == (u64{p} << kPageShift & 0xFFFFFF));
    asked.push_back(p);
    return p == page;
  });
  CHECK_FALSE(table.doubtful());
  return asked;
}

TEST_CASE("an empty table finds nothing, not even address 0") {
  LookupTable table;
  for (const u32 eip : {0u, 1u, 0xFFFFu, 0x10000u, 0xFFFF'FFFFu, 0x8000'0000u}) {
    CHECK(table.find(eip, eip) == nullptr);
    const LookupEntry& entry = table.entries()[lookup_slot(eip)];
    CHECK(entry.negated_linear + eip != 0);
  }
  // No EIP of a slot's own matches the tag of an empty slot.
  bool any = false;
  for (u32 slot = 0; slot < kLookupEntries; ++slot)
    any |= lookup_slot(0u - table.entries()[slot].negated_linear) == slot;
  CHECK_FALSE(any);
}

TEST_CASE("a block is found by its whole address") {
  LookupTable table;
  TranslatedBlock block = block_at(0x0804'1234), zero = block_at(0), last = block_at(0xFFFF'FFFF);
  table.enter(&block, 0x1000, false);
  table.enter(&zero, 0x2000, false);
  table.enter(&last, 0x3000, false);
  CHECK(table.find(0x0804'1234, 0x0804'1234) == &block);
  CHECK(looked_up(table, 0x0804'1234) == 0x1000);
  CHECK(looked_up(table, 0x0805'1234) == 0);
  CHECK(looked_up(table, 0x1234) == 0);
  CHECK(looked_up(table, 0) == 0x2000);
  CHECK(looked_up(table, 0xFFFF'FFFF) == 0x3000);
  CHECK(table.find(0x0805'1234, 0x0805'1234) == nullptr);
}

TEST_CASE("a block without code is known to C++ only") {
  LookupTable table;
  TranslatedBlock block = block_at(0x4000);
  table.enter(&block, 0, false);
  CHECK(table.find(0x4000, 0x4000) == &block);
  const LookupEntry& entry = table.entries()[lookup_slot(0x4000)];
  CHECK(entry.negated_linear + 0x4000 != 0);
}

TEST_CASE("two blocks of one slot: the later one is found") {
  LookupTable table;
  constexpr u32 kA = 0x0340, kB = 0x1'0240, kC = 0x3'0040;
  CHECK(lookup_slot(kA) == lookup_slot(kB));
  CHECK(lookup_slot(kA) == lookup_slot(kC));
  TranslatedBlock a = block_at(kA), b = block_at(kB), c = block_at(kC);
  table.enter(&a, 0x100, false);
  table.enter(&b, 0x200, false);
  CHECK(table.find(kA, kA) == nullptr);
  CHECK(looked_up(table, kA) == 0);
  CHECK(looked_up(table, kB) == 0x200);
  // One without code takes the slot's code away too.
  table.enter(&c, 0, false);
  CHECK(looked_up(table, kB) == 0);
  CHECK(table.entries()[lookup_slot(kC)].negated_linear + kC != 0);
  // Removing what is not there leaves what is.
  table.enter(&b, 0x200, false);
  table.remove(&a);
  CHECK(looked_up(table, kB) == 0x200);
  table.remove(&b);
  CHECK(looked_up(table, kB) == 0);
  CHECK(table.find(kB, kB) == nullptr);
}

TEST_CASE("doubt: pages that are mapped as before keep their blocks") {
  using enum LookupTable::Doubt;
  LookupTable table;
  TranslatedBlock a = block_at(0x5000), b = block_at(0x5FFF), other = block_at(0x1'5800), kept = block_at(0xC000'6000);
  const auto enter = [&] {
    table.enter(&a, 0x100, false);
    table.enter(&b, 0x200, false);
    table.enter(&other, 0x300, false);
    table.enter(&kept, 0x400, true);
  };
  enter();
  CHECK(settle(table, local, 5) == std::vector<u32>{5, 0x15});
  CHECK(looked_up(table, 0x5000) == 0x100);
  CHECK(looked_up(table, 0x5FFF) == 0x200);
  CHECK(looked_up(table, 0x1'5800) == 0);
  CHECK(table.find(0x1'5800, 0x1'5800) == nullptr);
  CHECK(looked_up(table, 0xC000'6000) == 0x400);
  // What was dropped is asked about no more.
  CHECK(settle(table, local, 5) == std::vector<u32>{5});
  CHECK(settle(table, all, 5) == std::vector<u32>{5, 0xC0006});
  CHECK(looked_up(table, 0xC000'6000) == 0);
  enter();
  // A second doubt does not lessen the first.
  table.doubt(all);
  CHECK(settle(table, local) == std::vector<u32>{5, 0x15, 0xC0006});
  CHECK(table.find(0xC000'6000, 0xC000'6000) == nullptr);
}

TEST_CASE("doubt: a page that became global is asked about once") {
  LookupTable table;
  TranslatedBlock block = block_at(0x5000);
  table.enter(&block, 0x100, false);
  table.doubt(LookupTable::Doubt::local);
  table.settle([](u32, u64, bool& global) { return global = true; });
  CHECK(settle(table, LookupTable::Doubt::local).empty());
  CHECK(looked_up(table, 0x5000) == 0x100);
}

TEST_CASE("dropping pages") {
  LookupTable table;
  TranslatedBlock a = block_at(0x5000), b = block_at(0x5123), alias = block_at(0x1'5200), far = block_at(0x80'0000);
  for (TranslatedBlock* block : {&a, &b, &alias, &far}) table.enter(block, 0x100, true);
  table.drop_pages(5, 1);
  CHECK(looked_up(table, 0x5000) == 0);
  CHECK(looked_up(table, 0x5123) == 0);
  CHECK(looked_up(table, 0x1'5200) == 0x100);
  CHECK(table.remembered(0x5123, 0x5123) == &b);
  table.enter(&a, 0x100, true);
  table.drop_pages(0, 1024);
  CHECK(table.find(0x5000, 0x5000) == nullptr);
  CHECK(looked_up(table, 0x1'5200) == 0);
  CHECK(looked_up(table, 0x80'0000) == 0x100);
}

TEST_CASE("a block in two pages goes with either") {
  LookupTable table;
  TranslatedBlock block = block_at(0xFFFF'FFFE);
  block.second_page = 0;
  for (const u32 page : {0xFFFFFu, 0u}) {
    table.enter(&block, 0x100, true, true);
    CHECK(looked_up(table, 0xFFFF'FFFE) == 0x100);
    table.drop_pages(page, 1);
    CHECK(looked_up(table, 0xFFFF'FFFE) == 0);
  }
  table.enter(&block, 0x100, true, false);
  CHECK(settle(table, LookupTable::Doubt::local) == std::vector<u32>{0});
  CHECK(looked_up(table, 0xFFFF'FFFE) == 0);
}

TEST_CASE("a page found elsewhere than its other blocks takes them along") {
  LookupTable table;
  TranslatedBlock before = block_at(0x5000), after = block_at(0x5100);
  table.enter(&before, 0x100, false);
  after.physical = 0x9100;
  table.enter(&after, 0x200, false);
  CHECK(looked_up(table, 0x5000) == 0);
  CHECK(looked_up(table, 0x5100) == 0x200);
}

TEST_CASE("what was dropped, or lost its slot, is remembered until the block is no more") {
  LookupTable table;
  TranslatedBlock block = block_at(0x4000), global = block_at(0x5000), neighbour = block_at(0x1'3FFF);
  table.enter(&block, 0x1000, false);
  table.enter(&global, 0x2000, true);
  CHECK(table.remembered(0x4000, 0x4000) == nullptr);
  settle(table, LookupTable::Doubt::local);
  CHECK(table.find(0x4000, 0x4000) == nullptr);
  CHECK(looked_up(table, 0x4000) == 0);
  CHECK(table.remembered(0x4000, 0x4000) == &block);
  CHECK(table.remembered(0x4000, 0x4001) == nullptr);
  CHECK(table.remembered(0x5000, 0x5000) == nullptr);
  settle(table, LookupTable::Doubt::all);
  CHECK(table.remembered(0x5000, 0x5000) == &global);

  table.enter(&block, 0x1000, false);
  table.enter(&neighbour, 0x3000, false);
  CHECK(table.remembered(0x4000, 0x4000) == &block);
  table.remove(&block);
  CHECK(table.remembered(0x4000, 0x4000) == nullptr);
  CHECK(table.find(0x1'3FFF, 0x1'3FFF) == &neighbour);
  settle(table, LookupTable::Doubt::all);
  table.forget();
  CHECK(table.remembered(0x1'3FFF, 0x1'3FFF) == nullptr);
  CHECK(table.remembered(0x5000, 0x5000) == nullptr);
}

}  // namespace
}  // namespace penumbra
