// Segment loads, VERR and VERW, SYSENTER, SYSEXIT and IRET in emitted code: what a place has met before, and what it
// has not.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kKernel = kCode + 0x1000, kFunction = kCode + 0x2000;
constexpr u32 kRounds = 60;

void append(GuestCode& code, const GuestCode& more) {
  for (const u8 byte : more.bytes()) code({byte});
}

// `body`, so many times over; ECX counts down. Then `end`.
GuestCode loop(const GuestCode& body, const GuestCode& end, u32 times = kRounds) {
  GuestCode code;
  code.mov(ECX, times);
  append(code, body);
  code({0x49, 0x0F, 0x85}).dword(0u - (body.size() + 7));  // dec ecx; jnz
  append(code, end);
  return code;
}
GuestCode halt() { return GuestCode().hlt(); }

// How often the interpreter was asked.
u64 exits(const TranslatedCpu& rig) {
  const TranslatorCounters& c = rig.translated.translator->counters();
  return c.interpreted + c.soft_accesses;
}

TEST_CASE("segment loads: what is the same each time is emitted code's") {
  TranslatedCpu rig;
  rig.store(kFsBase + 0x10, 0x1234);
  GuestCode body;
  body.mov(EAX, kFs)({0x8E, 0xE0});                                  // mov fs, eax
  body({0x64, 0x03, 0x15}).dword(0x10);                              // add edx, fs:[10h]
  body({0x31, 0xC0, 0x8E, 0xE0});                                    // xor eax, eax; mov fs, eax
  body({0x1E, 0x07, 0x06, 0x1F});                                    // push ds; pop es; push es; pop ds
  body({0x66, 0x0F, 0xA8, 0x66, 0x0F, 0xA9});                        // push gs; pop gs, as words
  body({0x8C, 0xD8, 0xA3}).dword(kData)({0x8E, 0x1D}).dword(kData);  // mov eax, ds; mov [..], eax; mov ds, [..]
  CHECK(rig.run_code(loop(body, halt())) == "");
  CHECK(rig.reg(EDX) == kRounds * 0x1234);
  CHECK(exits(rig) < kRounds);
}

TEST_CASE("a descriptor changed in its table, in every part of it") {
  for (const u32 address : {kGdt + kFs - 3 + 2, kGdt + kFs - 3 + 4, kGdt + kFs - 3 + 7, kGdt + kFs - 3}) {
    TranslatedCpu rig;
    for (u32 n = 0; n < 0x100; n += 4) rig.store(kFsBase + n, n * 0x10001);
    // The descriptor's byte is rotated, so that it is another one every time; FS is loaded and read.
    GuestCode body{0xC0, 0x05};
    body.dword(address)({0x01});                                     // rol byte [address], 1
    body.mov(EAX, kFs)({0x8E, 0xE0, 0x64, 0x8B, 0x1D}).dword(0x20);  // mov fs, eax; mov ebx, fs:[20h]
    body({0x01, 0xDA});                                              // add edx, ebx
    rig.load(kCode, loop(body, halt()));
    rig.start_at(kCode);
    rig.run();
    CHECK(rig.difference() == "");
  }
}

TEST_CASE("another table, and one that ends before the descriptor") {
  for (const u32 limit : {0x67u, 0x3Fu, 0x37u}) {
    TranslatedCpu rig;
    constexpr u32 kOther = kData + 0x100, kPointer = kData + 0x80;
    rig.store(kFsBase + 0x20, 5);
    rig.store(kFsBase + 0x1020, 7);
    for (u32 n = 0; n < 13 * 8; n += 4) rig.store(kOther + n, rig.dword(kGdt + n));
    rig.store(kOther + kFs - 3, rig.dword(kGdt + kFs - 3) + 0x1000'0000);
    rig.store(kPointer, limit | kOther << 16);
    rig.store(kPointer + 4, kOther >> 16);
    GuestCode body;
    body({0x83, 0xF9, 0x08, 0x75, 0x07});      // cmp ecx, 8; jne over the lgdt
    body({0x0F, 0x01, 0x15}).dword(kPointer);  // lgdt [kPointer]
    body.mov(EAX, kFs)({0x8E, 0xE0, 0x64, 0x03, 0x15}).dword(0x20);
    rig.load(kCode, loop(body, halt()));
    rig.start_at(kCode);
    CHECK(rig.run());
    CHECK(rig.difference() == "");
    if (limit != 0x37) CHECK(rig.reg(EDX) == (kRounds - 8) * 5 + 8 * 7);
    if (limit == 0x37) CHECK(rig.vector() == 13);
  }
}

TEST_CASE("a null selector is loaded, and then used") {
  TranslatedCpu rig;
  GuestCode body({0x8E, 0xE0});
  rig.set(EAX, 3);
  rig.load(kCode, loop(body, GuestCode{0x64, 0xA1, 0, 0, 0, 0}));  // mov eax, fs:[0]
  rig.start_at(kCode);
  CHECK(rig.run());
  CHECK(rig.difference() == "");
  CHECK(rig.vector() == 13);
  CHECK(rig.translated.cpu.segment[FS].selector == 3);
}

TEST_CASE("a table's page goes away, moves, and comes back") {
  TranslatedCpu rig;
  rig.store(kFsBase + 0x20, 5);
  constexpr u32 kLow = 0x400'000, kPage = 0x100'000;
  // The GDT again at kPage, with FS 1000h further on, seen at 4 MiB.
  for (u32 n = 0; n < 13 * 8; n += 4) rig.store(kPage + n, rig.dword(kGdt + n));
  rig.store(kPage + kFs - 3, rig.dword(kGdt + kFs - 3) + 0x1000'0000);
  rig.store(kFsBase + 0x1020, 7);
  rig.map(kLow, kGdt, pte::All);
  rig.store(kData + 0x80, 0x67);
  rig.store(kData + 0x80, 0x67 | (kLow & 0xFFFF) << 16);
  rig.store(kData + 0x84, kLow >> 16);
  GuestCode code{0x0F, 0x01, 0x15};
  code.dword(kData + 0x80);
  GuestCode body;
  body({0x81, 0x35}).dword(rig.entry_of(kLow)).dword(kGdt ^ kPage);  // xor dword [pte], ..
  body({0x0F, 0x01, 0x3D}).dword(kLow);                              // invlpg [4 MiB]
  body.mov(EAX, kFs)({0x8E, 0xE0, 0x64, 0x03, 0x15}).dword(0x20);
  append(code, loop(body, halt()));
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EDX) == kRounds / 2 * (5 + 7));
}

TEST_CASE("VERR and VERW") {
  TranslatedCpu rig;
  GuestCode body;
  body.mov(EAX, kReadOnly);
  // verw ax; sete bl; add edx, ebx; verr ax; sete bl; add edx, ebx
  body({0x0F, 0x00, 0xE8, 0x0F, 0x94, 0xC3, 0x01, 0xDA, 0x0F, 0x00, 0xE0, 0x0F, 0x94, 0xC3, 0x01, 0xDA});
  body({0xC7, 0x05}).dword(kData).dword(kData0)({0x0F, 0x00, 0x2D}).dword(kData);  // verw [kData]
  body({0x0F, 0x94, 0xC3, 0x01, 0xDA});
  // Overflow and carry stay: stc; verw; adc esi, 0; then the descriptor's W bit flips every 8th round.
  body({0xF9, 0x0F, 0x00, 0xE8, 0x83, 0xD6, 0x00, 0xF6, 0xC1, 0x07, 0x75, 0x07});
  body({0x80, 0x35}).dword(kGdt + (kReadOnly & ~7) + 5)({0x02});
  CHECK(rig.run_code(loop(body, halt())) == "");
  CHECK(exits(rig) < kRounds);
}

// SYSENTER to kKernel; the MSRs are set by code at kCode, which then goes to user code at kFunction.
struct CallRig : TranslatedCpu {
  explicit CallRig(MmuKind mmu) : TranslatedCpu("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0}) {}

  std::string run_calls(const GuestCode& kernel, const GuestCode& user) {
    each([](TestMachine& m) {
      m.cpu.sysenter_cs = kCode0;
      m.cpu.sysenter_esp = kKernelStack;
      m.cpu.sysenter_eip = kKernel;
    });
    load(kKernel, kernel);
    load(kCode, user);
    become_user();
    start_at(kCode);
    if (!run()) return "not halted";
    return difference();
  }
  static GuestCode back_to(u32 eip) {  // mov edx, eip; mov ecx, esi; sysexit
    GuestCode code;
    return code.mov(EDX, eip)({0x89, 0xF1, 0x0F, 0x35});
  }
};

// mov esi, esp; sysenter; dec edi; jnz; int 30h. Behind the SYSENTER stands kCode + 4.
GuestCode caller() { return GuestCode{0x89, 0xE6, 0x0F, 0x34, 0x4F, 0x75, 0xF9}.leave(); }

TEST_CASE("SYSENTER and SYSEXIT stay in emitted code") {
  for (const MmuKind mmu : {MmuKind::registers, MmuKind::soft, MmuKind::windows}) {
    CallRig rig(mmu);
    rig.set(EDI, kRounds);
    GuestCode kernel{0x43, 0x50, 0x58, 0x8C, 0xC8, 0x01, 0xC5, 0x8C, 0xD0, 0x01, 0xC5};  // inc ebx; CS and SS into ebp
    append(kernel, CallRig::back_to(kCode + 4));
    CHECK(rig.run_calls(kernel, caller()) == "");
    CHECK(rig.reg(EBX) == kRounds);
    if (mmu != MmuKind::windows) CHECK(exits(rig) < kRounds);
  }
}

TEST_CASE("a call that is open in one mode is no return in the other") {
  for (const MmuKind mmu : {MmuKind::registers, MmuKind::soft, MmuKind::windows}) {
    CallRig rig(mmu);
    rig.set(EDI, kRounds);
    // User: call kFunction, which calls the kernel; what follows the call counts in EBX and adds CS to EBP.
    GuestCode user;
    user.call(kCode,
              kFunction)({0x43, 0x8C, 0xC8, 0x01, 0xC5, 0x4F, 0x75, 0xF3});  // inc ebx; mov eax, cs; add ebp, eax
    user.leave();
    rig.load(kFunction, GuestCode{0x89, 0xE6, 0x0F, 0x34, 0xC3});  // mov esi, esp; sysenter; ret
    // The kernel: on odd rounds SYSEXIT; on even ones a RET to what follows the call, at CPL 0 then.
    GuestCode kernel{0xF7, 0xC7, 0x01, 0x00, 0x00, 0x00, 0x74, 0x09};  // test edi, 1; jz
    append(kernel, CallRig::back_to(kFunction + 4));
    kernel({0x68}).dword(kCode + 5)({0xC3});  // push; ret
    CHECK(rig.run_calls(kernel, user) == "");
    CHECK(rig.reg(EBX) == kRounds);
  }
}

TEST_CASE("SYSENTER with another MSR, and with none") {
  for (const u32 cs : {u32{0}, u32{kCode0 | 3}, u32{kCode0 + 0x10000}}) {
    CallRig rig(MmuKind::soft);
    rig.set(EDI, kRounds);
    GuestCode kernel{0x43, 0x83, 0xFB, 0x20, 0x75, 0x0E};           // inc ebx; cmp ebx, 20h; jne
    kernel.mov(ECX, 0x174).mov(EAX, cs)({0x31, 0xD2, 0x0F, 0x30});  // wrmsr
    append(kernel, CallRig::back_to(kCode + 4));
    CHECK(rig.run_calls(kernel, caller()) == "");
    CHECK(rig.reg(EBX) == (cs ? kRounds : 0x20));
  }
}

TEST_CASE("SYSEXIT to code whose accesses must be aligned") {
  CallRig rig(MmuKind::soft);
  rig.set(EDI, kRounds);
  rig.each([](TestMachine& m) { m.cpu.cr0 |= cr0::AM; });
  GuestCode user{0x89, 0xE6, 0x0F, 0x34, 0x8B, 0x1D};  // mov esi, esp; sysenter; mov ebx, [kData + 1]
  user.dword(kData + 1)({0x4F, 0x75, 0xF3}).leave();
  // The kernel sets AC once EDI is 8: pushf; or [esp + 2], 4; popf.
  GuestCode kernel{0x83, 0xFF, 0x08, 0x75, 0x07, 0x9C, 0x80, 0x4C, 0x24, 0x02, 0x04, 0x9D};
  append(kernel, CallRig::back_to(kCode + 4));
  CHECK(rig.run_calls(kernel, user) == "");
  CHECK(rig.vector() == 17);
  CHECK(rig.reg(EDI) == 8);
}

// User code that takes vector 3 over and over; `handler` stands behind the gate.
struct TrapRig : TranslatedCpu {
  static constexpr u32 kHandler = kHandlers + 16 * 3;

  explicit TrapRig(MmuKind mmu) : TranslatedCpu("p4", {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0}) {
    set(EDI, kRounds);
    become_user();
  }
  std::string run_traps(const GuestCode& handler, const GuestCode& body) {
    load(kKernel, handler);
    GuestCode jump;
    load(kHandler, jump.jump(kHandler, kKernel));
    GuestCode user{0xCC};  // int3
    append(user, body);
    user({0x4F, 0x75, -static_cast<int>(body.size() + 4)}).leave();  // dec edi; jnz
    return run_code(user);
  }
};
constexpr MmuKind kAllMmus[] = {MmuKind::registers, MmuKind::soft, MmuKind::windows};

TEST_CASE("IRET to user code stays in emitted code") {
  for (const MmuKind mmu : kAllMmus) {
    TrapRig rig(mmu);
    // inc ebx; the user's carry is set and its zero flag cleared: mov eax, [esp + 8]; and al, BFh; or al, 1; store;
    // iret
    const GuestCode handler{0x43, 0x8B, 0x44, 0x24, 0x08, 0x24, 0xBF, 0x0C, 0x01, 0x89, 0x44, 0x24, 0x08, 0xCF};
    CHECK(rig.run_traps(handler, GuestCode{0x83, 0xD6, 0x00}) == "");  // adc esi, 0
    CHECK(rig.reg(EBX) == kRounds);
    CHECK(rig.reg(ESI) == kRounds);
    if (mmu != MmuKind::windows) CHECK(exits(rig) < kRounds + 30);  // INT3 itself
  }
}

TEST_CASE("what the supervisor has mapped is not mapped for the user code that it returns to") {
  constexpr u32 kSecret = 0x9000'0000, kFrame = 0x60000;
  for (const MmuKind mmu : kAllMmus) {
    TrapRig rig(mmu);
    rig.map(kSecret, kFrame, pte::P | pte::W);
    rig.store(kFrame, 0x5EC4E7);
    const GuestCode handler = GuestCode{0x8B, 0x1D}.dword(kSecret)({0xCF});  // mov ebx, [kSecret]; iret
    // cmp edi, 1; jne; mov esi, [kSecret]
    CHECK(rig.run_traps(handler, GuestCode{0x83, 0xFF, 0x01, 0x75, 0x06, 0x8B, 0x35}.dword(kSecret)) == "");
    CHECK(rig.reg(EBX) == 0x5EC4E7);
    CHECK(rig.vector() == 14);
    CHECK(rig.reg(ESI) != 0x5EC4E7);
  }
}

TEST_CASE("IRET where its frame asks for more than before") {
  // What a handler does to its frame at EBX = 20h: the direction flag, IOPL, AC, another stack selector, a null one,
  // and code of its own privilege.
  const GuestCode changes[] = {
      {0x81, 0x4C, 0x24, 0x08, 0x00, 0x04, 0x00, 0x00}, {0x81, 0x4C, 0x24, 0x08, 0x00, 0x30, 0x00, 0x00},
      {0x81, 0x4C, 0x24, 0x08, 0x00, 0x00, 0x04, 0x00}, {0xC7, 0x44, 0x24, 0x10, kFs, 0x00, 0x00, 0x00},
      {0xC7, 0x44, 0x24, 0x10, 0x00, 0x00, 0x00, 0x00}, {0xC7, 0x44, 0x24, 0x04, kCode0, 0x00, 0x00, 0x00},
      {0x81, 0x4C, 0x24, 0x08, 0x00, 0x40, 0x00, 0x00}, {0x81, 0x4C, 0x24, 0x08, 0x00, 0x01, 0x00, 0x00},
  };
  for (const GuestCode& change : changes)
    for (const MmuKind mmu : kAllMmus) {
      TrapRig rig(mmu);
      GuestCode handler{0x43, 0x83, 0xFB, 0x20, 0x75, static_cast<int>(change.size())};  // inc ebx; cmp ebx, 20h; jne
      append(handler, change);
      handler({0xCF});
      CAPTURE(change.bytes()[7]);
      // lodsb; mov [esi + edi], esp
      rig.set(ESI, kData);
      CHECK(rig.run_traps(handler, GuestCode{0xAC, 0x89, 0x24, 0x3E}) == "");
    }
}

TEST_CASE("IRET where a descriptor, or what DS holds, is another than before") {
  // At EBX = 20h: user CS or SS not present; a supervisor's DS, which the return makes null.
  GuestCode code, stack, data;
  code.poke_byte(kGdt + (kCode3 & ~7) + 5, 0x7B);
  stack.poke_byte(kGdt + (kData3 & ~7) + 5, 0x73);
  data.mov(EAX, kData0)({0x8E, 0xD8});
  for (const GuestCode& change : {code, stack, data})
    for (const MmuKind mmu : kAllMmus) {
      TrapRig rig(mmu);
      GuestCode handler{0x43, 0x83, 0xFB, 0x20, 0x75, static_cast<int>(change.size())};
      append(handler, change);
      handler({0xCF});
      GuestCode body{0xA1};
      CHECK(rig.run_traps(handler, body.dword(kData)) == "");  // mov eax, [kData]
      CHECK(rig.reg(EBX) == 0x20);
    }
}

TEST_CASE("IRET that lets a waiting interrupt in") {
  for (const MmuKind mmu : kAllMmus) {
    TrapRig rig(mmu);
    rig.each([](TestMachine& m) { m.interrupts.waiting = true; });
    const GuestCode handler{0x43, 0x83, 0xFB, 0x20, 0x75, 0x05, 0x80, 0x4C, 0x24, 0x09, 0x02, 0xCF};
    CHECK(rig.run_traps(handler, GuestCode{0x90}) == "");
    CHECK(rig.vector() == kInterrupt);
    CHECK(rig.reg(EBX) == 0x20);
    CHECK(rig.dword(rig.reg(ESP)) == kCode + 1);
  }
}

TEST_CASE("IRET within the supervisor") {
  TranslatedCpu rig;
  // pushf; push cs; call over; inc ebx; jmp on; over: iret; on:
  const GuestCode body{0x9C, 0x0E, 0xE8, 0x03, 0x00, 0x00, 0x00, 0x43, 0xEB, 0x01, 0xCF};
  CHECK(rig.run_code(loop(body, halt())) == "");
  CHECK(rig.reg(EBX) == kRounds);
}

TEST_CASE("a page fault's handler reads CR2 and returns") {
  for (const MmuKind mmu : kAllMmus) {
    TrapRig rig(mmu);
    constexpr u32 kUnmapped = 0x70'0000, kFaultHandler = kHandlers + 16 * 14;
    rig.set(ESI, kUnmapped);
    // mov eax, cr2; add ebp, eax; add dword [esp + 4], 2; add esp, 4; iret
    rig.load(kFaultHandler,
             GuestCode{0x0F, 0x20, 0xD0, 0x01, 0xC5, 0x83, 0x44, 0x24, 0x04, 0x02, 0x83, 0xC4, 0x04, 0xCF});
    // mov al, [esi]; add esi, 1000h; dec edi; jnz
    GuestCode user{0x8A, 0x06, 0x81, 0xC6, 0x00, 0x10, 0x00, 0x00, 0x4F, 0x75, 0xF5};
    CHECK(rig.run_code(user.leave()) == "");
    CHECK(rig.reg(EBP) == kRounds * kUnmapped + kRounds * (kRounds - 1) / 2 * 0x1000);
  }
}

TEST_CASE("MOV from CR0, CR2 and CR3, and not from others") {
  TranslatedCpu rig;
  rig.each([](TestMachine& m) { m.cpu.cr2 = 0x1234'5678; });
  // mov eax, cr0; mov ebp, cr2; mov esp, cr3; then TS: clts, mov ecx, cr0 after setting it
  GuestCode code{0x0F, 0x20, 0xC0, 0x0F, 0x20, 0xD5, 0x0F, 0x20, 0xDB, 0x83, 0xC8, 0x08, 0x0F,
                 0x22, 0xC0, 0x0F, 0x20, 0xC1, 0x0F, 0x06, 0x0F, 0x20, 0xC2, 0x0F, 0x20, 0xE6};
  CHECK(rig.run_code(code.hlt()) == "");
  CHECK(rig.reg(EBP) == 0x1234'5678);
  CHECK(rig.reg(EBX) == kDirectory);
  CHECK((rig.reg(ECX) ^ rig.reg(EDX)) == cr0::TS);
  CHECK(rig.run_code(GuestCode{0x0F, 0x20, 0xC8}) == "");  // CR1
  CHECK(rig.vector() == 6);
  rig.become_user();
  CHECK(rig.run_code(GuestCode{0x0F, 0x20, 0xC0}) == "");
  CHECK(rig.vector() == 13);
}

TEST_CASE("code behind SYSENTER and SYSEXIT that is mapped elsewhere since") {
  CallRig rig(MmuKind::soft);
  rig.set(EDI, kRounds);
  // The kernel exchanges the page of kFunction with another every time; user code calls it behind the SYSENTER.
  constexpr u32 kOther = 0x110'000;
  rig.load(kFunction, GuestCode{0x83, 0xC3, 0x01, 0xC3});  // add ebx, 1; ret
  rig.load(kOther, GuestCode{0x83, 0xC3, 0x10, 0xC3});
  GuestCode user{0x89, 0xE6, 0x0F, 0x34};
  user.call(kCode + 4, kFunction)({0x4F, 0x75, 0xF4}).leave();
  GuestCode kernel{0x81, 0x35};
  kernel.dword(rig.entry_of(kFunction)).dword(kFunction ^ kOther)({0x0F, 0x20, 0xD8, 0x0F, 0x22, 0xD8});  // CR3
  append(kernel, CallRig::back_to(kCode + 4));
  CHECK(rig.run_calls(kernel, user) == "");
  CHECK(rig.reg(EBX) == kRounds / 2 * 0x11);
}

}  // namespace
}  // namespace penumbra
