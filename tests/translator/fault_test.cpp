// Accesses at the edges of pages, segments and the address space, and exceptions: what is stored, what is not, and
// which registers a handler sees.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

// Two pages of which only the first is mapped.
constexpr u32 kEdge = 0x9000'0000, kLast = 0xFFFF'F000;
constexpr u32 kFrame = 0x60000, kOther = 0x61000;

TEST_CASE("a store across a page's end into an unmapped page stores nothing") {
  TranslatedCpu rig;
  rig.map(kEdge, kFrame, pte::All);
  rig.store(kFrame + 0xFFC, 0x1111'1111);
  for (const int opcode : {0x89, 0x01, 0x31, 0x87}) {  // mov, add, xor, xchg
    for (u32 beyond = 1; beyond < 4; ++beyond) {
      rig.set(EAX, 0x2222'2222);
      CHECK(rig.run_code(GuestCode{opcode, 0x05}.dword(kEdge + 0x1000 - beyond).hlt()) == "");
      CHECK(rig.vector() == 14);
      CHECK(rig.translated.cpu.cr2 == kEdge + 0x1000);
      CHECK(rig.dword(rig.reg(ESP)) == pf::W);
      CHECK(rig.dword(rig.reg(ESP) + 4) == kCode);
      CHECK(rig.dword(kFrame + 0xFFC) == 0x1111'1111);
      CHECK(rig.reg(EAX) == 0x2222'2222);
    }
  }
}

TEST_CASE("a store from an unmapped page into a mapped one, and across two pages that are far apart") {
  TranslatedCpu rig;
  rig.map(kEdge + 0x1000, kFrame, pte::All);
  rig.store(kFrame, 0x1111'1111);
  CHECK(rig.run_code(GuestCode().poke(kEdge + 0xFFE, 5).hlt()) == "");
  CHECK(rig.vector() == 14);
  CHECK(rig.translated.cpu.cr2 == kEdge + 0xFFE);
  CHECK(rig.dword(kFrame) == 0x1111'1111);
  rig.map(kEdge, kOther, pte::All);
  CHECK(rig.run_code(GuestCode().poke(kEdge + 0xFFE, 0x4433'2211)({0xA1}).dword(kEdge + 0xFFE).hlt()) == "");
  CHECK(rig.vector() == -1);
  CHECK((rig.dword(kOther + 0xFFC) >> 16) == 0x2211);
  CHECK((rig.dword(kFrame) & 0xFFFF) == 0x4433);
  CHECK(rig.reg(EAX) == 0x4433'2211);
}

TEST_CASE("operands at the end of 4 GiB are beyond the segment's limit") {
  TranslatedCpu rig;
  rig.map(kLast, kFrame, pte::All);
  rig.store(kFrame + 0xFFC, 0x1111'1111);
  const u32 before = rig.dword(0);
  for (const u32 address : {0xFFFF'FFFDu, 0xFFFF'FFFEu, 0xFFFF'FFFFu}) {
    CHECK(rig.run_code(GuestCode().poke(address, 0x2222'2222).hlt()) == "");
    CHECK(rig.vector() == 13);
    CHECK(rig.run_code(GuestCode{0xA1}.dword(address).hlt()) == "");
    CHECK(rig.vector() == 13);
    CHECK(rig.dword(kFrame + 0xFFC) == 0x1111'1111);
    CHECK(rig.dword(0) == before);
  }
  CHECK(rig.run_code(GuestCode().poke(0xFFFF'FFFC, 0x3333'3333).poke_byte(0xFFFF'FFFF, 0x44).hlt()) == "");
  CHECK(rig.vector() == -1);
  CHECK(rig.dword(kFrame + 0xFFC) == 0x4433'3333);
  // Through SS it is a stack fault.
  rig.set(EBP, 0xFFFF'FFFE);
  CHECK(rig.run_code(GuestCode{0x89, 0x45, 0x00}.hlt()) == "");
  CHECK(rig.vector() == 12);
}

TEST_CASE("a sum of base, index and displacement wraps at 4 GiB") {
  TranslatedCpu rig;
  rig.map(kLast, kFrame, pte::All);
  rig.set(EBX, 0xFFFF'FFF0);
  rig.set(ESI, 0x8000'0000);
  GuestCode code;
  code({0xC7, 0x83}).dword(kData + 0x10).dword(0xAAAA)({0xC7, 0x43, 0x08}).dword(0xBBBB);  // [ebx+d32], [ebx+8]
  code({0xC7, 0x84, 0x73}).dword(kData + 0x20).dword(0xCCCC).hlt();                        // [ebx+esi*2+d32]
  CHECK(rig.run_code(code) == "");
  CHECK(rig.dword(kData) == 0xAAAA);
  CHECK(rig.dword(kFrame + 0xFF8) == 0xBBBB);
  CHECK(rig.dword(kData + 0x10) == 0xCCCC);
}

TEST_CASE("division faults leave registers and memory") {
  TranslatedCpu rig;
  rig.set(EAX, 5);
  rig.set(EDX, 7);
  CHECK(rig.run_code(GuestCode{0x40, 0xF7, 0xF1}.hlt()) == "");  // inc eax; div ecx = 0
  CHECK(rig.vector() == 0);
  CHECK(rig.reg(EAX) == 6);
  CHECK(rig.reg(EDX) == 7);
  CHECK(rig.dword(rig.reg(ESP)) == kCode + 1);
  // A quotient that does not fit: idiv of the least number by -1, from memory.
  rig.store(kData, 0xFFFF'FFFF);
  rig.set(EAX, 0x8000'0000);
  rig.set(EDX, 0xFFFF'FFFF);
  CHECK(rig.run_code(GuestCode{0xF7, 0x3D}.dword(kData).hlt()) == "");
  CHECK(rig.vector() == 0);
  CHECK(rig.reg(EAX) == 0x8000'0000);
  // A handler that steps over it and returns: the division is not executed again.
  rig.load(kHandlers, {0x43, 0x83, 0x04, 0x24, 0x02, 0xCF});  // inc ebx; add [esp], 2; iret
  rig.set(ECX, 0);
  CHECK(rig.run_code(GuestCode{0xF7, 0xF1, 0xF7, 0xF1, 0x46}.hlt()) == "");
  CHECK(rig.reg(EBX) == 2);
  CHECK(rig.reg(ESI) == 1);
}

TEST_CASE("an unmasked x87 exception waits for the next x87 instruction") {
  TranslatedCpu rig;
  rig.store(kData, 0x037B);  // all but division by zero masked
  GuestCode code{0xD9, 0x2D};
  code.dword(kData)({0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9});  // fldcw; fld1; fldz; fdivp
  const u32 waiting = code.size() + 1;
  code({0x40, 0xD9, 0xE8, 0x43}).hlt();  // inc eax; fld1; inc ebx
  CHECK(rig.run_code(code) == "");
  CHECK(rig.vector() == 16);
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 0);
  CHECK(rig.dword(rig.reg(ESP)) == kCode + waiting);
  CHECK((rig.translated.cpu.x87.status & 0x84) == 0x84);  // ZE, ES
}

TEST_CASE("an unmasked SSE exception comes at the instruction itself") {
  TranslatedCpu rig;
  rig.store(kData, 0x1D80);           // division by zero unmasked
  rig.store(kData + 4, 0x3F80'0000);  // 1.0
  GuestCode code{0x0F, 0xAE, 0x15};
  code.dword(kData)({0xF3, 0x0F, 0x10, 0x05}).dword(kData + 4);        // ldmxcsr; movss xmm0, 1.0
  code({0x0F, 0x57, 0xC9, 0x40, 0xF3, 0x0F, 0x5E, 0xC1, 0x43}).hlt();  // xorps; inc eax; divss; inc ebx
  CHECK(rig.run_code(code) == "");
  CHECK(rig.vector() == 19);
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 0);
  CHECK(rig.translated.cpu.xmm[0].dword[0] == 0x3F80'0000);
  CHECK((rig.translated.cpu.mxcsr & 4) == 4);
}

TEST_CASE("a misaligned SSE operand is #GP, on a page that is mapped and on one that is not") {
  TranslatedCpu rig;
  for (const u32 address : {kData + 4, kEdge + 8}) {
    CHECK(rig.run_code(GuestCode{0x0F, 0x28, 0x05}.dword(address).hlt()) == "");  // movaps xmm0, []
    CHECK(rig.vector() == 13);
    CHECK(rig.dword(rig.reg(ESP) + 4) == kCode);
  }
}

TEST_CASE("CR0.TS and CR0.EM: #NM and #UD at x87, MMX and SSE instructions, also after they have been used") {
  TranslatedCpu rig;
  const auto set_cr0 = [](GuestCode& code, u32 bit) { code({0x0F, 0x20, 0xC0, 0x0D}).dword(bit)({0x0F, 0x22, 0xC0}); };
  struct Case {
    GuestCode instruction;
    u32 bit;
    int vector;
  };
  const Case cases[] = {{{0xD9, 0xE8}, cr0::TS, 7}, {{0x0F, 0x6F, 0xC1}, cr0::TS, 7}, {{0x0F, 0x28, 0xC1}, cr0::TS, 7},
                        {{0xD9, 0xE8}, cr0::EM, 7}, {{0x0F, 0x6F, 0xC1}, cr0::EM, 6}, {{0x0F, 0x28, 0xC1}, cr0::EM, 6}};
  for (const Case& c : cases) {
    rig.each([](TestMachine& m) {
      m.cpu.cr0 &= ~(cr0::TS | cr0::EM);
      m.cpu.gpr[EBX] = 0;
    });
    GuestCode code{0xD9, 0xE8, 0xDD, 0xD8, 0x0F, 0x57, 0xC0};  // fld1; fstp st0; xorps xmm0, xmm0
    set_cr0(code, c.bit);
    code({0x43});
    for (const u8 byte : c.instruction.bytes()) code({byte});
    code({0x43}).hlt();
    CHECK(rig.run_code(code) == "");
    CHECK(rig.vector() == c.vector);
    CHECK(rig.reg(EBX) == 1);
  }
  // The handler clears TS and returns: as a system that switches the FPU's state lazily.
  rig.load(kHandlers + 7 * 16, {0x0F, 0x06, 0x46, 0xCF});  // clts; inc esi; iret
  rig.each([](TestMachine& m) { m.cpu.cr0 = (m.cpu.cr0 & ~cr0::EM) | cr0::TS; });
  CHECK(rig.run_code(GuestCode{0xD9, 0xE8, 0xD9, 0xEB, 0xDE, 0xC1}.hlt()) == "");  // fld1; fldpi; faddp
  CHECK(rig.vector() == -1);
  CHECK(rig.reg(ESI) == 1);
  CHECK(rig.translated.cpu.x87.top == 7);
}

TEST_CASE("CR4.OSFXSR clear: SSE is #UD, MMX is not") {
  TranslatedCpu rig;
  rig.each([](TestMachine& m) { m.cpu.cr4 &= ~cr4::OSFXSR; });
  CHECK(rig.run_code(GuestCode{0x0F, 0xEF, 0xC0, 0x43, 0x0F, 0x57, 0xC0}.hlt()) == "");  // pxor mm0; inc; xorps xmm0
  CHECK(rig.vector() == 6);
  CHECK(rig.reg(EBX) == 1);
}

TEST_CASE("data and code breakpoints, and single steps, fire in code that has been translated") {
  TranslatedCpu rig;
  GuestCode code{0x40, 0xA3};
  code.dword(kData)({0x43}).hlt();  // inc eax; mov [kData], eax; inc ebx
  CHECK(rig.run_code(code) == "");
  rig.each([](TestMachine& m) {
    m.cpu.dr[0] = kData;
    m.cpu.dr[7] = 0x000D'0402;  // a dword write
  });
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.vector() == 1);
  CHECK(rig.dword(rig.reg(ESP)) == kCode + 6);
  rig.each([](TestMachine& m) {
    m.cpu.dr[0] = kCode + 6;
    m.cpu.dr[7] = 0x402;
  });
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.vector() == 1);
  CHECK(rig.dword(rig.reg(ESP)) == kCode + 6);
  rig.each([](TestMachine& m) {
    m.cpu.dr[7] = 0x400;
    m.cpu.flags.load(m.cpu.flags.value() | eflags::TF);
  });
  CHECK(rig.run_at(kCode) == "");
  CHECK(rig.vector() == 1);
  CHECK(rig.dword(rig.reg(ESP)) == kCode + 1);
}

}  // namespace
}  // namespace penumbra
