// The software TLB, asked as emitted code asks it.
#include "mmu/soft_tlb.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

struct TlbRig {
  u8* page(u32 frame) { return reinterpret_cast<u8*>(u64{0x10'0000'0000} + (u64{frame} << kPageShift)); }
  const u8* found(u32 linear, bool write) {
    const u32 number = linear >> kPageShift;
    const SoftTlb::Entry& e = tlb.entries()[number & (SoftTlb::kEntries - 1)];
    return (write ? e.write_tag : e.read_tag) + number == 0 ? reinterpret_cast<u8*>(e.addend + linear) : nullptr;
  }
  SoftTlb tlb;
};

TEST_CASE("an empty TLB knows no page, not even the first and the last") {
  TlbRig rig;
  for (const u32 linear : {0u, 0x1000u, 0x8000'0000u, 0xFFFF'F000u})
    for (const bool write : {false, true}) CHECK(rig.found(linear, write) == nullptr);
}

TEST_CASE("settle drops what does not hold any more, but nothing global") {
  TlbRig rig;
  rig.tlb.fill(0x0, rig.page(1), true, false);
  rig.tlb.fill(0x1000, rig.page(2), false, false);
  rig.tlb.fill(0x2000, rig.page(3), true, false);
  rig.tlb.fill(0xC001'0000, rig.page(4), true, true);
  rig.tlb.fill(0x3000, rig.page(5), true, false);
  rig.tlb.drop(3, 1);
  std::vector<u32> asked;
  rig.tlb.settle([&](u32 page, const u8* host, bool write) {
    asked.push_back(page);
    CHECK(host == rig.page(page + 1));
    CHECK(write == (page != 1));
    return page != 2;
  });
  CHECK(asked == std::vector<u32>{0, 1, 2});
  CHECK(rig.found(0x10, true) == rig.page(1) + 0x10);
  CHECK(rig.found(0x1010, false) == rig.page(2) + 0x10);
  CHECK(rig.found(0x1010, true) == nullptr);
  CHECK(rig.found(0x2010, false) == nullptr);
  CHECK(rig.found(0xC001'0010, true) == rig.page(4) + 0x10);
  CHECK(rig.tlb.local_entries() == 2);
  // A slot that was dropped is listed anew when it is filled again.
  rig.tlb.fill(0x2000, rig.page(9), true, false);
  CHECK(rig.tlb.local_entries() == 3);
  rig.tlb.forbid_writes(rig.page(9));
  CHECK(rig.found(0x2010, true) == nullptr);
  CHECK(rig.found(0x2010, false) == rig.page(9) + 0x10);
}

TEST_CASE("a TLB of few entries is emptied by the one that it has no room for") {
  TlbRig rig{SoftTlb(2)};
  rig.tlb.fill(0x1000, rig.page(1), false, false);
  rig.tlb.fill(0xC000'0000, rig.page(2), true, true);
  rig.tlb.fill(0x1000, rig.page(1), true, false);
  CHECK(rig.found(0x1010, true) == rig.page(1) + 0x10);
  CHECK(rig.found(0xC000'0010, true) == rig.page(2) + 0x10);
  rig.tlb.fill(0x2000, rig.page(3), true, false);
  CHECK(rig.found(0x2010, true) == rig.page(3) + 0x10);
  CHECK(rig.found(0x1010, false) == nullptr);
  CHECK(rig.found(0xC000'0010, false) == nullptr);
}

}  // namespace
}  // namespace penumbra
