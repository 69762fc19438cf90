// The same program under settings that make every cache forget all the time.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

const TranslatorOptions kSettings[] = {
    {.code_bytes = 8u << 20},
    {.code_bytes = 8u << 20, .mmu = MmuKind::soft},
    {.code_bytes = 8u << 20, .promote_after = 0},
    {.code_bytes = 8u << 20, .mmu = MmuKind::registers, .promote_after = 0},
    {.code_bytes = 8u << 20, .promote_after = 3},
    {.code_bytes = 8u << 20, .block_instructions = 1},
    {.code_bytes = 8u << 20, .promote_after = 0, .check_after = 1},
    {.code_bytes = 8u << 20, .promote_after = 3, .check_after = 1},
    {.code_bytes = 8u << 20, .mmu = MmuKind::soft, .tlb_entries = 1},
    {.code_bytes = 8u << 20, .promote_after = 3, .tlb_entries = 1, .address_spaces = 1},
    {.code_bytes = 72u << 10},
    {.code_bytes = 8u << 20, .forget_always = true},
    {.code_bytes = 72u << 10, .block_instructions = 2, .forget_always = true},
};

TEST_CASE("recursion, a sort, string copies and patched code") {
  for (const TranslatorOptions& options : kSettings) {
    TranslatedCpu rig("p4", options);
    CAPTURE(options.code_bytes);
    CAPTURE(options.block_instructions);
    constexpr u32 kFib = kCode + 0x1000, kSort = kCode + 0x2000, kSlot = kCode + 0x3000, kCount = 48;
    // fib(eax): cmp eax, 2; jb done; push eax; dec eax; call fib; xchg eax, [esp]; sub eax, 2; call fib; pop ecx;
    // add eax, ecx; done: ret
    GuestCode fib{0x83, 0xF8, 0x02, 0x72, 0x15, 0x50, 0x48};
    fib.call(kFib, kFib)({0x87, 0x04, 0x24, 0x83, 0xE8, 0x02}).call(kFib, kFib)({0x59, 0x01, 0xC8, 0xC3});
    CHECK(fib.size() == 27);
    rig.load(kFib, fib);
    // Bubble sort of kCount dwords at ESI: outer: mov ecx, kCount - 1; mov edi, esi; inner: mov eax, [edi];
    // cmp eax, [edi + 4]; jbe +6; xchg eax, [edi + 4]; mov [edi], eax (5 bytes); add edi, 4; loop inner; dec edx; jnz;
    // ret
    GuestCode sort;
    sort.mov(EDX, kCount);
    const u32 outer = sort.size();
    sort.mov(ECX, kCount - 1)({0x89, 0xF7});
    const u32 inner = sort.size();
    sort({0x8B, 0x07, 0x3B, 0x47, 0x04, 0x76, 0x05, 0x87, 0x47, 0x04, 0x89, 0x07, 0x83, 0xC7, 0x04});
    sort({0xE2, static_cast<int>(inner - (sort.size() + 2))});
    sort({0x4A, 0x75, static_cast<int>(outer - (sort.size() + 3)), 0xC3});
    rig.load(kSort, sort);
    rig.load(kSlot, {0x43, 0xC3});
    u32 value = 99;
    for (u32 n = 0; n < kCount; ++n) rig.store(kData + 4 * n, value = value * 1103515245 + 12345);

    GuestCode code;
    code.mov(EAX, 12).call(kCode, kFib)({0x89, 0xC5}).mov(ESI, kData).call(kCode, kSort);  // mov ebp, eax
    code.mov(ESI, kData).mov(EDI, kData + 0xFF0).mov(ECX, kCount)({0xF3, 0xA5});
    code.call(kCode, kSlot).poke_byte(kSlot, 0x42).mov(EDX, 0).call(kCode, kSlot).call(kCode, kSlot);
    CHECK(rig.run_code(code.hlt(), 5'000'000) == "");
    CHECK(rig.reg(EBP) == 144);
    CHECK(rig.reg(EDX) == 2);
    CHECK(rig.reg(EBX) == 1);
    CHECK(rig.reg(ESP) == kKernelStack - 0x400);
    for (u32 n = 1; n < kCount; ++n) CHECK(rig.dword(kData + 0xFF0 + 4 * n - 4) <= rig.dword(kData + 0xFF0 + 4 * n));
    if (options.code_bytes < (1u << 20)) CHECK(rig.translated.translator->counters().flushes > 0);
  }
}

TEST_CASE("more code than the cache holds, called from a loop") {
  TranslatedCpu rig("p4", {.code_bytes = 128u << 10});
  constexpr u32 kFirst = 0x10'0000, kFunctions = 2000, kStep = 0x80;
  for (u32 n = 0; n < kFunctions; ++n) rig.load(kFirst + n * kStep, GuestCode{0x81, 0xC3}.dword(n)({0xC3}));
  // Three times: mov esi, kFirst; each: call esi; add esi, kStep; cmp esi, end; jb each.
  GuestCode code;
  code.mov(EDX, 3);
  const u32 outer = code.size();
  code.mov(ESI, kFirst);
  const u32 each = code.size();
  code({0xFF, 0xD6, 0x81, 0xC6}).dword(kStep)({0x81, 0xFE}).dword(kFirst + kFunctions * kStep);
  code({0x72, static_cast<int>(each - (code.size() + 2))});
  code({0x4A, 0x75, static_cast<int>(outer - (code.size() + 3))});
  CHECK(rig.run_code(code.hlt(), 5'000'000) == "");
  CHECK(rig.reg(EBX) == 3 * (kFunctions * (kFunctions - 1) / 2));
  CHECK(rig.translated.translator->counters().flushes > 0);
}

TEST_CASE("two machines in turns do not see each other's windows") {
  TranslatedCpu one, two;
  GuestCode code;
  code({0xFF, 0x05}).dword(kData)({0xEB, 0xF8});  // inc dword [kData]; jmp
  for (TranslatedCpu* rig : {&one, &two}) {
    rig->load(kCode, code);
    rig->start_at(kCode);
  }
  two.store(kData, 0x4000'0000);
  for (unsigned n = 0; n < 50; ++n) {
    CHECK(one.translated.run(200, 2000) == RunEnd::budget);
    CHECK(two.translated.run(300, 3000) == RunEnd::budget);
  }
  CHECK(one.dword(kData) > 0);
  CHECK(one.dword(kData) < 0x4000'0000);
  CHECK(two.dword(kData) > 0x4000'0000);
  CHECK(two.dword(kData) < 0x8000'0000);
}

}  // namespace
}  // namespace penumbra
