// The short way through the guest's tables against the walk: random tables, every kind of entry.
#include "mmu/table_reader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace penumbra {
namespace {

constexpr u32 kRam = u32{4} << 20, kDirectory = 0x1000, kTables = 0x8000;

struct Tables {
  explicit Tables(unsigned seed) : random(seed) {}

  // Every third entry with some random bit, the others usual ones; the frames are few, so that questions meet them.
  u64 entry(u32 address, bool wide, bool directory) {
    u64 value = address | 1 | (random() & 0x1E6);
    if (directory && random() % 4 == 0) value = (value & ~u64{0x3F'F000}) | 0x80;
    if (random() % 3 == 0) value ^= u64{1} << random() % (wide ? 64 : 32);
    return value;
  }
  void fill(PagingMode& mode) {
    mode = {.paging = random() % 16 != 0,
            .pse = random() % 2 == 0,
            .pae = random() % 2 == 0,
            .write_protect = random() % 2 == 0,
            .no_execute = random() % 2 == 0};
    mode.cr3 = kDirectory;
    for (u32 n = 0; n < 4; ++n) mode.pdpte[n] = kDirectory + n % 2 * kPageSize + (random() % 8 != 0);
    const auto store = [&](u32 at, u64 value) {
      mode.pae ? memory.store<u64>(PhysAddr(at), value) : memory.store<u32>(PhysAddr(at), static_cast<u32>(value));
    };
    const u32 bytes = mode.pae ? 8 : 4;
    for (u32 n = 0; n < 2 * kPageSize / bytes; ++n)
      store(kDirectory + n * bytes, entry(kTables + n % 4 * kPageSize, mode.pae, true));
    for (u32 n = 0; n < 4 * kPageSize / bytes; ++n)
      store(kTables + n * bytes, entry(static_cast<u32>(random() % 4) << kPageShift, mode.pae, false));
  }

  Trace trace;
  GuestMemory memory{kRam, trace};
  std::mt19937 random;
};

bool allowed(const Translation& t, const PagingMode& mode, u32 frame, bool write, Privilege who) {
  const bool user = who == Privilege::user;
  if (!t.ok || !t.accessed || (user && !t.user) || page_of(t.page).value != frame) return false;
  return !write || (t.dirty && (t.writable || (!user && !mode.write_protect)));
}

TEST_CASE("a table reader says what a probe says") {
  unsigned yes = 0, large = 0;
  for (unsigned seed = 0; seed < 200; ++seed) {
    Tables tables(seed);
    PagingMode mode;
    tables.fill(mode);
    TableReader reader(tables.memory, mode);
    u32 page = 0;
    for (unsigned n = 0; n < 2000; ++n) {
      page = tables.random() % 4 ? page + 1 : static_cast<u32>(tables.random());
      page &= 0xF'FFFF;
      const Translation t = probe(tables.memory, mode, LinearAddr(page << kPageShift));
      const u32 frame = tables.random() % 8 ? page_of(t.page).value : static_cast<u32>(tables.random() % 8);
      const bool write = tables.random() % 2;
      const Privilege who = tables.random() % 2 ? Privilege::user : Privilege::supervisor;
      const bool expected = allowed(t, mode, frame, write, who);
      yes += expected;
      large += expected && t.large;
      if (reader.maps(page, frame, write, who) != expected)
        FAIL_CHECK("page " << page << ", frame " << frame << ", seed " << seed << ", expected " << expected);
    }
  }
  CHECK(yes > 20'000);
  CHECK(large > 1000);
}

TEST_CASE("regions whose tables look alike map alike") {
  unsigned alike = 0;
  for (unsigned seed = 0; seed < 100; ++seed) {
    Tables tables(seed);
    PagingMode mode;
    tables.fill(mode);
    TableReader reader(tables.memory, mode);
    const auto content = [&](u32 region) {
      const TableReader::Table t = reader.table(region);
      return std::pair(t.directory, std::vector<u8>(t.entries.begin(), t.entries.end()));
    };
    for (u32 region = 0; region < 64; ++region) {
      const auto before = content(region);
      if (!reader.table(region).known) continue;
      const Translation was = probe(tables.memory, mode, LinearAddr(region << 21));
      // Any change that a walk would see.
      const u32 at = kDirectory + static_cast<u32>(tables.random() % (6 * kPageSize)) / 8 * 8;
      const u32 place = at < kDirectory + 2 * kPageSize ? at : kTables + (at - kDirectory - 2 * kPageSize);
      tables.memory.store<u32>(PhysAddr(place), tables.memory.load<u32>(PhysAddr(place)) ^ 1u << tables.random() % 32);
      TableReader again(tables.memory, mode);
      const TableReader::Table t = again.table(region);
      if (!t.known || t.directory != before.first || !std::ranges::equal(t.entries, before.second)) continue;
      ++alike;
      const Translation is = probe(tables.memory, mode, LinearAddr(region << 21));
      CHECK(is.ok == was.ok);
      CHECK(is.page.value == was.page.value);
    }
  }
  CHECK(alike > 100);
}

}  // namespace
}  // namespace penumbra
