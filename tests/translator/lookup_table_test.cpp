// The lookup table: what emitted code finds, and what it must not find any more.
#include "translator/lookup_table.h"

#include <doctest/doctest.h>

namespace penumbra {
namespace {

// As emitted code looks: the slot of the low half, and a sum that is zero for the right EIP only.
u64 looked_up(LookupTable& table, u32 eip) {
  const LookupEntry& entry = table.entries()[eip & (kLookupEntries - 1)];
  return entry.negated_linear + eip == 0 ? entry.code : 0;
}

TranslatedBlock block_at(u32 eip, bool global = false) {
  TranslatedBlock block;
  block.eip = block.linear = eip;
  block.global = global;
  return block;
}

TEST_CASE("an empty table finds nothing, not even address 0") {
  LookupTable table;
  for (const u32 eip : {0u, 1u, 0xFFFFu, 0x10000u, 0xFFFF'FFFFu, 0x8000'0000u}) {
    CHECK(table.find(eip, eip) == nullptr);
    const LookupEntry& entry = table.entries()[eip & (kLookupEntries - 1)];
    CHECK(entry.negated_linear + eip != 0);
  }
  // No EIP of a slot's own matches the tag of an empty slot.
  bool any = false;
  for (u32 slot = 0; slot < kLookupEntries; ++slot)
    any |= ((0u - table.entries()[slot].negated_linear) & (kLookupEntries - 1)) == slot;
  CHECK_FALSE(any);
}

TEST_CASE("a block is found by its whole address") {
  LookupTable table;
  TranslatedBlock block = block_at(0x0804'1234), zero = block_at(0), last = block_at(0xFFFF'FFFF);
  table.enter(&block, 0x1000);
  table.enter(&zero, 0x2000);
  table.enter(&last, 0x3000);
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
  table.enter(&block, 0);
  CHECK(table.find(0x4000, 0x4000) == &block);
  const LookupEntry& entry = table.entries()[0x4000];
  CHECK(entry.negated_linear + 0x4000 != 0);
}

TEST_CASE("two blocks of one slot: the later one is found") {
  LookupTable table;
  TranslatedBlock a = block_at(0x1'0040), b = block_at(0x2'0040), c = block_at(0x3'0040);
  table.enter(&a, 0x100);
  table.enter(&b, 0x200);
  CHECK(table.find(0x1'0040, 0x1'0040) == nullptr);
  CHECK(looked_up(table, 0x1'0040) == 0);
  CHECK(looked_up(table, 0x2'0040) == 0x200);
  // One without code takes the slot's code away too.
  table.enter(&c, 0);
  CHECK(looked_up(table, 0x2'0040) == 0);
  CHECK(table.entries()[0x40].negated_linear + 0x3'0040 != 0);
  // Removing what is not there leaves what is.
  table.enter(&b, 0x200);
  table.remove(&a);
  CHECK(looked_up(table, 0x2'0040) == 0x200);
  table.remove(&b);
  CHECK(looked_up(table, 0x2'0040) == 0);
  CHECK(table.find(0x2'0040, 0x2'0040) == nullptr);
}

TEST_CASE("clearing, wholly and but for global pages") {
  LookupTable table;
  TranslatedBlock local = block_at(0x5000), global = block_at(0xC000'6000, true), removed = block_at(0x7000);
  for (unsigned round = 0; round < 3; ++round) {
    table.enter(&local, 0x100);
    table.enter(&global, 0x200);
    table.enter(&removed, 0x300);
    table.remove(&removed);
    table.clear_local();
    CHECK(looked_up(table, 0x5000) == 0);
    CHECK(table.find(0x5000, 0x5000) == nullptr);
    CHECK(looked_up(table, 0xC000'6000) == 0x200);
    CHECK(looked_up(table, 0x7000) == 0);
    table.clear_local();
    CHECK(looked_up(table, 0xC000'6000) == 0x200);
    table.clear();
    CHECK(looked_up(table, 0xC000'6000) == 0);
    CHECK(table.find(0xC000'6000, 0xC000'6000) == nullptr);
  }
  // A local block in a global one's slot goes with the local ones.
  TranslatedBlock other = block_at(0x6000);
  table.enter(&global, 0x200);
  table.enter(&other, 0x400);
  table.clear_local();
  CHECK(looked_up(table, 0x6000) == 0);
  CHECK(looked_up(table, 0xC000'6000) == 0);
}

TEST_CASE("what was cleared, or lost its slot, is remembered until the block is no more") {
  LookupTable table;
  TranslatedBlock block = block_at(0x4000), global = block_at(0x5000, true), neighbour = block_at(0x1'4000);
  table.enter(&block, 0x1000);
  table.enter(&global, 0x2000);
  CHECK(table.remembered(0x4000, 0x4000) == nullptr);
  table.clear_local();
  CHECK(table.find(0x4000, 0x4000) == nullptr);
  CHECK(looked_up(table, 0x4000) == 0);
  CHECK(table.remembered(0x4000, 0x4000) == &block);
  CHECK(table.remembered(0x4000, 0x4001) == nullptr);
  CHECK(table.remembered(0x5000, 0x5000) == nullptr);
  table.clear();
  CHECK(table.remembered(0x5000, 0x5000) == &global);

  table.enter(&block, 0x1000);
  table.enter(&neighbour, 0x3000);
  CHECK(table.remembered(0x4000, 0x4000) == &block);
  table.remove(&block);
  CHECK(table.remembered(0x4000, 0x4000) == nullptr);
  CHECK(table.find(0x1'4000, 0x1'4000) == &neighbour);
  table.clear();
  table.forget();
  CHECK(table.remembered(0x1'4000, 0x1'4000) == nullptr);
  CHECK(table.remembered(0x5000, 0x5000) == nullptr);
}

}  // namespace
}  // namespace penumbra
