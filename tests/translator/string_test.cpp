// String instructions over the ends of pages, runs and the address space, up and down: exact counters, exact memory.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kEdge = 0x9000'0000, kLast = 0xFFFF'F000;
constexpr u32 kFrame = 0x60000, kOther = 0x62000;

struct StringRig : TranslatedCpu {
  StringRig() {
    std::vector<u8> pattern(0x1000);
    for (u32 n = 0; n < pattern.size(); ++n) pattern[n] = static_cast<u8>(n * 7 + (n >> 8));
    for (u32 page = 0; page < 3; ++page) load(kFrame + page * kPageSize, pattern);
    load(kData, pattern);
  }
  // One string instruction with these registers; DF where `down`.
  std::string string(std::initializer_list<int> bytes, u32 esi, u32 edi, u32 ecx, bool down = false, u32 eax = 0x5A) {
    set(ESI, esi);
    set(EDI, edi);
    set(ECX, ecx);
    set(EAX, eax);
    GuestCode code{down ? 0xFD : 0xFC};
    code(bytes)({0x90}).hlt();
    return run_code(code);
  }
};

TEST_CASE("runs over pages that are not neighbours in memory") {
  StringRig rig;
  rig.map(kEdge, kFrame, pte::All);
  rig.map(kEdge + 0x1000, kOther, pte::All);
  rig.map(kEdge + 0x2000, kFrame + 0x1000, pte::All);
  CHECK(rig.string({0xF3, 0xAA}, 0, kEdge + 0xFFD, 0x1006) == "");  // rep stosb
  CHECK(rig.reg(EDI) == kEdge + 0x2003);
  CHECK(rig.reg(ECX) == 0);
  CHECK((rig.dword(kFrame + 0x1000) << 8) == 0x5A5A'5A00);
  CHECK(rig.string({0xF3, 0xA5}, kData + 1, kEdge + 0xFFE, 0x300) == "");  // rep movsd, misaligned
  CHECK(rig.reg(ESI) == kData + 1 + 0xC00);
  CHECK(rig.reg(EDI) == kEdge + 0xFFE + 0xC00);
  CHECK(rig.string({0xF3, 0x66, 0xA5}, kData + 0xFFF, kEdge + 0x1FFF, 0x200, true) == "");  // rep movsw, down
  CHECK(rig.reg(ESI) == kData + 0xFFF - 0x400);
  CHECK(rig.string({0xF3, 0xA4}, kEdge, kEdge + 1, 0x2000) == "");  // overlapping: each byte is copied on
  CHECK(static_cast<u8>(rig.dword(kOther + 0x40)) == static_cast<u8>(rig.dword(kFrame)));
}

TEST_CASE("runs inside of pages, at their ends and beyond, with flags as they were") {
  StringRig rig;
  rig.map(kEdge, kFrame, pte::All);
  rig.map(kEdge + 0x1000, kOther, pte::All);
  for (const int width : {1, 2, 4})
    for (const bool move : {false, true})
      for (const u32 count : {0u, 1u, 5u, 0x400u, 0x1000u, 0x1001u})
        for (const u32 offset : {0u, 1u, 0x1000u - 5 * static_cast<u32>(width), 0xFFFu}) {
          CAPTURE(width);
          CAPTURE(move);
          CAPTURE(count);
          CAPTURE(offset);
          GuestCode code;
          // Three times, so that pages are known: the registers; mov dl, 7Fh; add dl, 1 for OF, SF and AF; stc; the
          // run; pushf; pop eax; add ebx, eax.
          code.mov(EBP, 3);
          const u32 start = code.size();
          code.mov(EDI, kEdge + offset).mov(ESI, kData + 0x123).mov(ECX, count)({0xB2, 0x7F, 0x80, 0xC2, 0x01, 0xF9});
          if (width == 2) code({0x66});
          code({0xF3, (move ? 0xA4 : 0xAA) | (width > 1), 0x9C, 0x58, 0x01, 0xC3, 0x4D, 0x75});  // dec ebp; jnz
          code({static_cast<int>(start - (code.size() + 1))}).hlt();
          if (count * static_cast<u32>(width) <= 0x2000 - offset) CHECK(rig.run_code(code) == "");
        }
}

TEST_CASE("by the software TLB, runs over pages and of no element are emitted code's") {
  constexpr u32 kRounds = 50;
  TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .mmu = MmuKind::soft});
  for (u32 page = 0; page < 4; ++page) rig.map(kEdge + page * kPageSize, kFrame + (page ^ 1) * kPageSize, pte::All);
  GuestCode code;
  code.mov(EBP, kRounds);
  const u32 start = code.size();
  code.mov(EDI, kEdge + 0x10).mov(ESI, kData).mov(ECX, 0x800)({0xF3, 0xA5});  // rep movsd, 8 KiB
  code({0xF3, 0xA4});                                                         // rep movsb, none
  code.mov(ECX, 0x1230)({0xF3, 0xAA, 0xF3, 0xAB, 0x4D, 0x75});                // rep stosb; rep stosd; dec ebp; jnz
  code({static_cast<int>(start - (code.size() + 1))}).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EDI) == kEdge + 0x10 + 0x2000 + 0x1230);
  CHECK(rig.translated.translator->counters().interpreted < kRounds);
}

TEST_CASE("a run into an unmapped page stops there, with the registers of that moment") {
  for (const bool down : {false, true})
    for (const int width : {1, 2, 4}) {
      StringRig rig;
      rig.map(kEdge, kFrame, pte::All);
      const u32 step = down ? 0u - static_cast<u32>(width) : static_cast<u32>(width);
      const u32 first = down ? kEdge + 0x40 - static_cast<u32>(width) : kEdge + 0x1000 - 0x40;
      const u32 done = 0x40u / static_cast<u32>(width);
      const u32 beyond = first + done * step;
      CAPTURE(down);
      CAPTURE(width);
      const auto run = [&](int opcode, u32 esi, u32 edi) {
        return width == 2 ? rig.string({0xF3, 0x66, opcode | 1}, esi, edi, 1000, down)
                          : rig.string({0xF3, opcode | (width == 4)}, esi, edi, 1000, down);
      };
      const auto check = [&](bool esi_moves, bool edi_moves, u32 esi, u32 edi) {
        CHECK(rig.vector() == 14);
        CHECK(rig.reg(ECX) == 1000 - done);
        CHECK(rig.reg(ESI) == (esi_moves ? esi + done * step : esi));
        CHECK(rig.reg(EDI) == (edi_moves ? edi + done * step : edi));
        CHECK(rig.dword(rig.reg(ESP) + 4) == kCode + 1);
        CHECK(rig.translated.cpu.cr2 == beyond);
      };
      CHECK(run(0xAA, kData, first) == "");  // stos
      check(false, true, kData, first);
      CHECK(run(0xA4, kData + 0x800, first) == "");  // movs to
      check(true, true, kData + 0x800, first);
      CHECK(run(0xA4, first, kData + 0x800) == "");  // movs from
      check(true, true, first, kData + 0x800);
      CHECK(run(0xAC, first, kData) == "");  // lods
      check(true, false, first, kData);
    }
}

TEST_CASE("comparisons stop at the first difference, and at an unmapped page") {
  StringRig rig;
  rig.map(kEdge, kFrame, pte::All);
  rig.load(kData + 0x500, GuestCode{0xEE});
  rig.load(kData + 0x600, std::vector<u8>(0x100));
  rig.load(kData + 0x677, GuestCode{0xEE});
  CHECK(rig.string({0xF3, 0xA6}, kData + 0x400, kEdge + 0x400, 0x400) == "");  // repe cmpsb
  CHECK(rig.reg(ECX) == 0x400 - 0x101);
  CHECK(rig.reg(ESI) == kData + 0x501);
  CHECK(rig.string({0xF2, 0xAE}, 0, kData + 0x600, 0x400, false, 0xEE) == "");  // repne scasb
  CHECK(rig.reg(EDI) == kData + 0x678);
  // A fault in the middle may show the flags of the last comparison or those before the first: processors differ.
  const auto but_flags = [&] {
    rig.store(kKernelStack - 0x404, 0);  // EFLAGS, where the fault has pushed them
    return rig.difference(eflags::kArithmetic);
  };
  rig.string({0xF2, 0xAF}, 0, kEdge + 0xFC0, 0x400, false, 0x0102'0304);  // repne scasd, into nothing
  CHECK(but_flags() == "");
  CHECK(rig.vector() == 14);
  CHECK(rig.reg(ECX) == 0x400 - 0x10);
  rig.string({0xF3, 0xA7}, kFrame + 0xFC0, kEdge + 0xFC0, 0x400);
  CHECK(but_flags() == "");
  CHECK(rig.vector() == 14);
  CHECK(rig.reg(EDI) == kEdge + 0x1000);
  // A count of 0 compares nothing and leaves the flags.
  CHECK(rig.run_code(GuestCode{0xFC, 0xF9, 0x31, 0xC9, 0xF9, 0xF3, 0xA6}.hlt()) == "");
}

TEST_CASE("at the ends of the address space") {
  StringRig rig;
  rig.map(kLast, kFrame, pte::All);
  rig.map(0, kOther, pte::All);
  rig.each([](TestMachine& m) { m.cpu.flush_tlb(); });
  // Bytes wrap from the last to the first.
  CHECK(rig.string({0xF3, 0xAA}, 0, 0xFFFF'FFF0, 0x20) == "");
  CHECK(rig.vector() == -1);
  CHECK(rig.reg(EDI) == 0x10);
  CHECK(rig.dword(kOther + 0xC) == 0x5A5A'5A5A);
  CHECK(rig.string({0xF3, 0xA4}, 0xFFFF'FF00, kData, 0x180) == "");
  CHECK(rig.reg(ESI) == 0x80);
  // And from the first to the last.
  CHECK(rig.string({0xF3, 0xAA}, 0, 0x10, 0x20, true, 0x6B) == "");
  CHECK(rig.reg(EDI) == 0xFFFF'FFF0);
  CHECK(rig.dword(kFrame + 0xFFC) == 0x6B6B'6B6B);
  // A dword that would straddle the end is #GP; those before it are stored.
  CHECK(rig.string({0xF3, 0xAB}, 0, 0xFFFF'FFF2, 0x20) == "");
  CHECK(rig.vector() == 13);
  CHECK(rig.reg(EDI) == 0xFFFF'FFFE);
  CHECK(rig.reg(ECX) == 0x20 - 3);
  CHECK(rig.string({0xF3, 0xAB}, 0, 0xFFFF'FFF0, 0x8) == "");
  CHECK(rig.reg(EDI) == 0x10);
}

TEST_CASE("single steps without a prefix, all widths, both ways, and with overrides") {
  StringRig rig;
  rig.open_fs_gs();
  for (const bool down : {false, true})
    for (const int opcode : {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF})
      for (const int prefix : {0x90, 0x66, 0x2E, 0x36, 0x64, 0x65, 0x67, 0xF2, 0xF3}) {
        // GS's base is 8000h below 4 GiB: ESI 38000h is read at 30000h.
        CAPTURE(opcode);
        CAPTURE(prefix);
        CAPTURE(down);
        CHECK(rig.string({prefix, opcode}, prefix == 0x64 ? 0x200u : 0x38000u + 0x200u, kData + 0x600, 3, down) == "");
        CHECK(rig.vector() == -1);
      }
}

TEST_CASE("a store into code by a string instruction is seen by what follows") {
  StringRig rig;
  rig.load(kCode + 0x1000, {0x40, 0xC3});
  GuestCode code{0xFC};
  code.call(kCode, kCode + 0x1000).mov(EDI, kCode + 0xFF0).mov(ECX, 0x11)({0xB0, 0x43, 0xF3, 0xAA});
  code.call(kCode, kCode + 0x1000).hlt();
  CHECK(rig.run_code(code) == "");
  CHECK(rig.reg(EBX) == 1);
  CHECK(rig.reg(EDI) == kCode + 0x1001);
}

}  // namespace
}  // namespace penumbra
