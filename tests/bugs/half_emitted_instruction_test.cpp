// POP to memory by CS is the interpreter's, but its load from the stack had been emitted by then. That load's fault was
// taken for one of the instruction before, which then came twice.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

TEST_CASE("an instruction before one that is emitted by half comes once") {
  for (const MmuKind mmu : {MmuKind::soft, MmuKind::windows, MmuKind::registers}) {
    for (const u32 promote_after : {0u, 1000u}) {
      TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = promote_after});
      rig.set(EDI, guest_layout::kData);
      CHECK(rig.run_code(GuestCode{0x40, 0x2E, 0x8F, 0x07}.hlt()) == "");  // inc eax; pop cs:[edi]
      CHECK(rig.vector() == 13);
      CHECK(rig.reg(EAX) == 1);
    }
  }
}

}  // namespace
}  // namespace penumbra
