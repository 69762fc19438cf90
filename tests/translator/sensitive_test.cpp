// The 17 sensitive instructions that IA-32 does not trap (Robin and Irvine, USENIX Security 2000), in translated code:
// what comes out is the guest's, never the host's.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kGdtLimit = 13 * 8 - 1;

// Runs `code` after a loop that makes sure that it is translated; it ends with HLT at CPL 0, with INT 30h at CPL 3.
struct SensitiveRig : TranslatedCpu {
  explicit SensitiveRig(unsigned cpl, unsigned iopl = 0) : cpl_(cpl) {
    if (cpl == 3) become_user();
    set_flags(iopl << 12);
  }
  void set_flags(u32 image) {
    each([&](TestMachine& m) { m.cpu.flags.load(image | eflags::kFixedOne); });
  }
  std::string run_sensitive(GuestCode code) {
    if (cpl_ == 3)
      code.leave();
    else
      code.hlt();
    return run_code(code);
  }
  // EFLAGS as the interrupt gate at the end has saved it.
  u32 saved_flags() { return dword(reg(ESP) + 8); }

 private:
  unsigned cpl_;
};

// Natively: the host kernel's table, or what UMIP makes up for it.
TEST_CASE("SGDT stores the guest's table") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    CHECK(rig.run_sensitive(GuestCode{0x0F, 0x01, 0x05}.dword(kData)) == "");
    CHECK((rig.dword(kData) & 0xFFFF) == kGdtLimit);
    CHECK((rig.dword(kData + 2)) == kGdt);
  }
}

// Natively: as SGDT.
TEST_CASE("SIDT stores the guest's table") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    CHECK(rig.run_sensitive(GuestCode{0x0F, 0x01, 0x0D}.dword(kData)) == "");
    CHECK((rig.dword(kData) & 0xFFFF) == 0x7FF);
    CHECK((rig.dword(kData + 2)) == kIdt);
  }
}

// Natively: 0, or the host process's LDT.
TEST_CASE("SLDT answers the guest's selector") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    CHECK(rig.run_sensitive(GuestCode{0x0F, 0x00, 0xC0, 0x0F, 0x00, 0x05}.dword(kData)) == "");
    CHECK((rig.reg(EAX) & 0xFFFF) == kLdtSelector);
    CHECK((rig.dword(kData) & 0xFFFF) == kLdtSelector);
  }
}

// Natively: the host's CR0, with PG, WP and AM set, or a constant.
TEST_CASE("SMSW answers the guest's CR0") {
  for (const unsigned cpl : {0u, 3u})
    for (const u32 ts : {0u, cr0::TS}) {
      SensitiveRig rig(cpl);
      rig.each([&](TestMachine& m) { m.cpu.cr0 |= ts; });
      CHECK(rig.run_sensitive(GuestCode{0x0F, 0x01, 0xE0, 0x0F, 0x01, 0x25}.dword(kData)) == "");
      CHECK((rig.reg(EAX) & 0xFFFF) == (rig.translated.cpu.cr0 & 0xFFFF));
      CHECK((rig.reg(EAX) & cr0::TS) == ts);
      CHECK((rig.dword(kData) & 0xFFFF) == (rig.translated.cpu.cr0 & 0xFFFF));
    }
}

// Natively: the host's task register, 40h, or 0.
TEST_CASE("STR answers the guest's task register") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    CHECK(rig.run_sensitive(GuestCode{0x0F, 0x00, 0xC8, 0x0F, 0x00, 0x0D}.dword(kData)) == "");
    CHECK((rig.reg(EAX) & 0xFFFF) == kTssSelector);
    CHECK((rig.dword(kData) & 0xFFFF) == kTssSelector);
  }
}

// Natively: IF always set, IOPL always 0, whatever the guest's are.
TEST_CASE("PUSHF pushes the guest's IF, IOPL, NT, AC and ID") {
  for (const unsigned cpl : {0u, 3u})
    for (const u32 image : {0u, eflags::IF, 0x3000u, 0x1000u | eflags::IF, eflags::NT | eflags::AC | eflags::ID,
                            eflags::CF | eflags::OF | eflags::DF | eflags::SF}) {
      SensitiveRig rig(cpl);
      rig.set_flags(image);
      CHECK(rig.run_sensitive({0x9C, 0x58, 0x66, 0x9C, 0x66, 0x5B}) == "");  // pushf; pop eax; pushf (16); pop bx
      CHECK(rig.reg(EAX) == (image | eflags::kFixedOne));
      CHECK(rig.reg(EBX) == ((image | eflags::kFixedOne) & 0xFFFF));
    }
}

// Natively: IF and IOPL would be dropped without a fault, AC and TF taken over by the host.
TEST_CASE("POPF changes IF and IOPL only as CPL and IOPL allow") {
  struct Case {
    unsigned cpl, iopl;
    bool changes_if, changes_iopl;
  };
  for (const Case& c : {Case{0, 0, true, true}, Case{0, 3, true, true}, Case{3, 0, false, false},
                        Case{3, 2, false, false}, Case{3, 3, true, false}}) {
    for (const u32 before : {0u, eflags::IF}) {
      SensitiveRig rig(c.cpl);
      rig.set_flags(c.iopl << 12 | before);
      const u32 image = (before ^ eflags::IF) | (c.iopl << 12 ^ 0x3000) | eflags::NT | eflags::AC | eflags::ID |
                        eflags::CF | eflags::ZF | eflags::OF;
      GuestCode code{0x68};
      code.dword(image)({0x9D, 0x9C, 0x5B});  // push image; popf; pushf; pop ebx
      CHECK(rig.run_sensitive(code) == "");
      const u32 expected = (c.changes_if ? image & eflags::IF : before) |
                           (c.changes_iopl ? image & eflags::IOPL : c.iopl << 12) |
                           (image & ~(eflags::IF | eflags::IOPL)) | eflags::kFixedOne;
      CHECK(rig.reg(EBX) == expected);
      // The 16-bit form keeps the upper half.
      rig.set_flags(c.iopl << 12 | before | eflags::AC);
      if (c.cpl == 3) rig.become_user();
      CHECK(rig.run_sensitive({0x66, 0x6A, 0x00, 0x66, 0x9D, 0x9C, 0x5B}) == "");
      CHECK(rig.reg(EBX) ==
            ((c.changes_if ? 0 : before) | (c.changes_iopl ? 0 : c.iopl << 12) | eflags::AC | eflags::kFixedOne));
    }
  }
}

TEST_CASE("POPF with TF steps after the next instruction; CLI and STI need IOPL") {
  SensitiveRig rig(0);
  CHECK(rig.run_sensitive({0x68, 0x02, 0x01, 0x00, 0x00, 0x9D, 0x40, 0x43}) == "");  // push 102h; popf; inc; inc
  CHECK(rig.vector() == 1);
  CHECK(rig.reg(EAX) == 1);
  CHECK(rig.reg(EBX) == 0);
  for (const int opcode : {0xFA, 0xFB}) {
    SensitiveRig user(3);
    CHECK(user.run_sensitive({0x40, opcode, 0x43}) == "");
    CHECK(user.vector() == 13);
    CHECK(user.reg(EBX) == 0);
    SensitiveRig allowed(3, 3);
    CHECK(allowed.run_sensitive({0x40, opcode, 0x43}) == "");
    CHECK(allowed.vector() == kLeave);
    CHECK(((allowed.saved_flags() & eflags::IF) != 0) == (opcode == 0xFB));
  }
}

// Natively: rights of the host's own descriptors for these selectors, or ZF clear.
TEST_CASE("LAR and LSL read the guest's descriptors") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    GuestCode code;
    code.mov(ECX, kReadOnly)({0x0F, 0x02, 0xC1, 0x0F, 0x94, 0xC3});            // lar eax, ecx; setz bl
    code({0x0F, 0x03, 0xF1, 0x0F, 0x94, 0xC7});                                // lsl esi, ecx; setz bh
    code.mov(ECX, kCode0)({0x0F, 0x02, 0xD1, 0x0F, 0x94, 0x05}).dword(kData);  // lar edx, kernel code
    code.mov(ECX, kLdtSelector)({0x0F, 0x03, 0xF9, 0x0F, 0x94, 0x05}).dword(kData + 1);
    CHECK(rig.run_sensitive(code) == "");
    CHECK(rig.reg(EAX) == 0x00CF'F100);
    CHECK(rig.reg(ESI) == 0xFFFF'FFFF);
    CHECK(rig.reg(EBX) == 0x101);
    // A descriptor that CPL 3 may not see leaves ZF and the register clear.
    CHECK(rig.reg(EDX) == (cpl == 0 ? 0x00CF'9B00 : 0));
    CHECK((rig.dword(kData) & 0xFFFF) == (cpl == 0 ? 0x101 : 0));
    CHECK(rig.reg(EDI) == (cpl == 0 ? 0x2F : 0));
  }
}

// Natively: whether the host's descriptors of these numbers can be read or written.
TEST_CASE("VERR and VERW look at the guest's descriptors") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    GuestCode code;
    u32 at = kData;
    for (const u16 selector : {kReadOnly, kData3, kData0, kCode0, kCode3, kAbsent, kTssSelector, u16{0}})
      for (const int form : {0xE0, 0xE8}) {  // verr ax; verw ax; setz [at]
        code.mov(EAX, selector)({0x0F, 0x00, form, 0x0F, 0x94, 0x05}).dword(at++);
      }
    CHECK(rig.run_sensitive(code) == "");
    const u8 expected_user[] = {1, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};
    const u8 expected_kernel[] = {1, 0, 1, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 0, 0, 0};
    for (u32 n = 0; n < 16; ++n) {
      CAPTURE(n);
      CHECK(static_cast<u8>(rig.dword(kData + n)) == (cpl == 0 ? expected_kernel[n] : expected_user[n]));
    }
  }
}

// Natively: in 64-bit mode there is none, but for FS and GS, whose load would move the window.
TEST_CASE("POP Sreg loads the guest's descriptor, with the checks") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    rig.store(kFsBase + 0x10, 0x1111);
    GuestCode code;
    code({0x6A, kFs, 0x0F, 0xA1, 0x64, 0xA1}).dword(0x10);            // push; pop fs; mov eax, fs:[10h]
    code({0x6A, kReadOnly, 0x1F, 0x8B, 0x1D}).dword(kFsBase + 0x10);  // pop ds; mov ebx, [..]
    code({0x6A, cpl ? kData3 : kData0, 0x07, 0x6A, cpl ? kData3 : kData0, 0x17, 0x42});  // pop es; pop ss; inc edx
    CHECK(rig.run_sensitive(code) == "");
    CHECK(rig.reg(EAX) == 0x1111);
    CHECK(rig.reg(EBX) == 0x1111);
    CHECK(rig.reg(EDX) == 1);
    CHECK(rig.translated.cpu.segment[DS].selector == kReadOnly);
    // A store through the read-only segment is #GP.
    SensitiveRig store(cpl);
    CHECK(store.run_sensitive(GuestCode{0x6A, kReadOnly, 0x1F}.poke(kData, 1)) == "");
    CHECK(store.vector() == 13);
    CHECK(store.dword(kData) == 0);
    SensitiveRig absent(cpl);
    CHECK(absent.run_sensitive({0x6A, static_cast<int>(kAbsent | cpl), 0x1F}) == "");
    CHECK(absent.vector() == (cpl == 0 ? 11 : 13));
  }
}

// Natively: the host's selectors, 2Bh, 33h or 0.
TEST_CASE("PUSH Sreg pushes the guest's selectors") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    rig.open_fs_gs();
    CHECK(rig.run_sensitive({0x0E, 0x58, 0x16, 0x5B, 0x1E, 0x59, 0x06, 0x5A, 0x0F, 0xA0, 0x5E, 0x0F, 0xA8, 0x5F}) ==
          "");
    const u32 data = cpl == 0 ? kData0 : kData3;
    CHECK((rig.reg(EAX) & 0xFFFF) == (cpl == 0 ? kCode0 : kCode3));
    CHECK((rig.reg(EBX) & 0xFFFF) == data);
    CHECK((rig.reg(ECX) & 0xFFFF) == data);
    CHECK((rig.reg(EDX) & 0xFFFF) == data);
    CHECK((rig.reg(ESI) & 0xFFFF) == kFs);
    CHECK((rig.reg(EDI) & 0xFFFF) == kGs);
  }
}

// Natively: into a host code segment, were it encodable.
TEST_CASE("far CALL through a gate, to conforming code, and to where a user may not") {
  SensitiveRig gate(3);
  gate.load(kHandlers + 0x400, {0x0F, 0x06, 0x43, 0xCB});  // clts at CPL 0; inc ebx; retf
  CHECK(gate.run_sensitive(GuestCode{0x9A}.dword(0x1234'5678)({kGate, 0x00, 0x46})) == "");
  CHECK(gate.reg(EBX) == 1);
  CHECK(gate.reg(ESI) == 1);
  CHECK(gate.vector() == kLeave);
  SensitiveRig conforming(3);
  conforming.load(kCode + 0x100, {0x0E, 0x58, 0xCB});  // push cs; pop eax; retf
  CHECK(conforming.run_sensitive(GuestCode{0x9A}.dword(kCode + 0x100)({kConforming, 0x00, 0x46})) == "");
  CHECK((conforming.reg(EAX) & 0xFFFF) == (kConforming | 3));
  CHECK(conforming.reg(ESI) == 1);
  SensitiveRig denied(3);
  CHECK(denied.run_sensitive(GuestCode{0x9A}.dword(kCode)({kCode0, 0x00, 0x46})) == "");
  CHECK(denied.vector() == 13);
}

// Natively: as far CALL.
TEST_CASE("far JMP keeps CPL, and is refused where CALL is") {
  SensitiveRig conforming(3);
  conforming.load(kCode + 0x100, GuestCode{0x0E, 0x58}.leave());
  CHECK(conforming.run_sensitive(GuestCode{0xEA}.dword(kCode + 0x100)({kConforming, 0x00})) == "");
  CHECK((conforming.reg(EAX) & 0xFFFF) == (kConforming | 3));
  SensitiveRig indirect(0);
  indirect.store(kData, kCode + 0x100);
  indirect.store(kData + 4, kCode0);
  indirect.load(kCode + 0x100, {0x43, 0xF4});
  CHECK(indirect.run_sensitive(GuestCode{0xFF, 0x2D}.dword(kData)) == "");
  CHECK(indirect.reg(EBX) == 1);
  SensitiveRig denied(3);
  CHECK(denied.run_sensitive(GuestCode{0xEA}.dword(kCode)({kCode0, 0x00})) == "");
  CHECK(denied.vector() == 13);
}

// Natively: a return to a host segment; RET and IRET to CPL 3 must lower the guest's privilege.
TEST_CASE("far RET and IRET go to CPL 3, and never up") {
  for (const bool interrupt : {false, true}) {
    SensitiveRig rig(0);
    GuestCode user{0x0E, 0x58, 0x9C, 0x5B};  // push cs; pop eax; pushf; pop ebx
    rig.load(kCode + 0x200, user.leave());
    GuestCode code{0x6A, kData3, 0x68};
    code.dword(kUserStack);
    if (interrupt) code({0x68}).dword(eflags::IF | 0x3000 | eflags::kFixedOne);
    code({0x6A, kCode3, 0x68}).dword(kCode + 0x200)({interrupt ? 0xCF : 0xCB});
    CHECK(rig.run_sensitive(code) == "");
    CHECK(rig.vector() == kLeave);
    CHECK((rig.reg(EAX) & 0xFFFF) == kCode3);
    CHECK((rig.reg(EBX) & 0x3200) == (interrupt ? 0x3200 : 0));
    SensitiveRig up(3);
    code = GuestCode();
    if (interrupt) code({0x6A, 0x02});
    code({0x6A, kCode0, 0x68}).dword(kCode + 0x200)({interrupt ? 0xCF : 0xCB});
    CHECK(up.run_sensitive(code) == "");
    CHECK(up.vector() == 13);
  }
}

// Natively: INT 80h is a system call of the host.
TEST_CASE("INT n, INT3 and INTO go through the guest's gates") {
  SensitiveRig rig(0);
  CHECK(rig.run_sensitive({0x31, 0xC0, 0xCD, 0x80}) == "");
  CHECK(rig.vector() == 0x80);
  SensitiveRig user(3);
  CHECK(user.run_sensitive({0x31, 0xC0, 0xB0, 0x01, 0xCD, 0x80}) == "");  // exit(ebx), were it the host's
  CHECK(user.vector() == 13);
  CHECK(user.dword(user.reg(ESP)) == (0x80 << 3 | 2));
  SensitiveRig breakpoint(3);
  CHECK(breakpoint.run_sensitive({0x40, 0xCC}) == "");
  CHECK(breakpoint.vector() == 3);
  SensitiveRig overflow(3);
  CHECK(overflow.run_sensitive({0xB0, 0x7F, 0x04, 0x01, 0xCE}) == "");
  CHECK(overflow.vector() == 4);
}

// Natively: the host's selectors; a load of GS would move the window, one of SS fault or succeed as the host likes.
TEST_CASE("MOV to and from Sreg") {
  for (const unsigned cpl : {0u, 3u}) {
    SensitiveRig rig(cpl);
    GuestCode code;
    code({0x8C, 0xC8, 0x8C, 0xD3, 0x8C, 0x1D}).dword(kData);            // mov eax, cs; mov ebx, ss; mov [], ds
    code.mov(ECX, kGs)({0x8E, 0xE9, 0x65, 0xC7, 0x05}).dword(0x38008);  // mov gs, ecx; mov gs:[], imm
    code.dword(0x2222)({0x8C, 0xEE, 0x8B, 0x15}).dword(kData + 8);      // mov esi, gs; mov edx, [kData + 8]
    CHECK(rig.run_sensitive(code) == "");
    CHECK(rig.reg(EAX) == (cpl == 0 ? kCode0 : kCode3));
    CHECK(rig.reg(EBX) == (cpl == 0 ? kData0 : kData3));
    CHECK((rig.dword(kData) & 0xFFFF) == (cpl == 0 ? kData0 : kData3));
    CHECK(rig.reg(ESI) == kGs);
    CHECK(rig.reg(EDX) == 0x2222);
  }
  SensitiveRig denied(3);
  CHECK(denied.run_sensitive(GuestCode().mov(EAX, kData0)({0x8E, 0xD8})) == "");  // mov ds, a kernel segment
  CHECK(denied.vector() == 13);
  SensitiveRig null(3);
  CHECK(null.run_sensitive(GuestCode({0x31, 0xC0, 0x8E, 0xD8}).poke(kData, 1)) == "");
  CHECK(null.vector() == 13);
}

TEST_CASE("privileged instructions of a user fault, though the host would let some of them pass") {
  const GuestCode privileged[] = {
      {0xF4},                                      // hlt
      {0x0F, 0x20, 0xC0},                          // mov eax, cr0
      {0x0F, 0x22, 0xD8},                          // mov cr3, eax
      {0x0F, 0x23, 0xF8},                          // mov dr7, eax
      {0x0F, 0x06},                                // clts
      {0x0F, 0x32},                                // rdmsr
      {0x0F, 0x09},                                // wbinvd
      {0x0F, 0x01, 0x15, 0x00, 0x00, 0x03, 0x00},  // lgdt
      {0x0F, 0x01, 0x3D, 0x00, 0x00, 0x03, 0x00},  // invlpg
      {0x0F, 0x00, 0xD0},                          // lldt ax
      {0xE4, 0x60},                                // in al, 60h
      {0xEE},                                      // out dx, al
      {0x6C},                                      // ins
  };
  for (const GuestCode& code : privileged) {
    SensitiveRig rig(3);
    GuestCode all{0x43};
    for (const u8 byte : code.bytes()) all({byte});
    CAPTURE(static_cast<int>(code.bytes()[0]));
    CHECK(rig.run_sensitive(all) == "");
    CHECK(rig.vector() == 13);
    CHECK(rig.dword(rig.reg(ESP) + 4) == kCode + 1);
  }
  // RDTSC with CR4.TSD; CPUID is the model's.
  SensitiveRig rig(3);
  rig.each([](TestMachine& m) { m.cpu.cr4 |= cr4::TSD; });
  CHECK(rig.run_sensitive({0x0F, 0x31}) == "");
  CHECK(rig.vector() == 13);
  // Without it, inside of a function: the clock's time, and the function returns.
  TranslatedCpu timed;
  timed.each([](TestMachine& m) { m.cpu.tsc_offset = 0x1'2345'6789; });
  GuestCode code;
  code.call(kCode, kCode + 6).hlt()({0x0F, 0x31, 0x89, 0xC6, 0x89, 0xD7, 0xC3});  // rdtsc; mov esi, eax; mov edi, edx
  CHECK(timed.run_code(code) == "");
  CHECK(timed.reg(EDI) == 1);
  CHECK(timed.reg(ESI) >= 0x2345'6789);
  SensitiveRig model(3);
  CHECK(model.run_sensitive(GuestCode({0x31, 0xC0, 0x40, 0x0F, 0xA2})) == "");
  CHECK(model.reg(EAX) == cpu_model_named("p4")->signature());
}

}  // namespace
}  // namespace penumbra
