// Fuzzes the translator: random code, run by the interpreter and by emitted code, must end alike. Most is flat 32-bit
// code; the rest has segments with bases and limits, 16-bit segments, or is in virtual-8086 or real mode.
#include <cstdio>
#include <cstdlib>

#include "tests/support/fuzz_input.h"
#include "tests/support/fuzzed_flat_code.h"
#include "tests/support/fuzzed_small_code.h"
#include "tests/support/translated_cpu.h"

// Emitted code's faults are the translator's, also under the address sanitizer.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=1:use_sigaltstack=0";
}

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kAlias = 0xB000'0000, kCodeBytes = 2 * kPageSize;

enum class Mode : u8 { flat, segments, code16, v86, real };

struct FlatFuzzer : TranslatedCpu {
  FlatFuzzer() : TranslatedCpu("p4", {.code_bytes = 2u << 20}) {
    compared_bytes = 0x80000;
    audited = false;
    // Tables and handlers cannot be written to, or anything could happen at the next fault.
    for (u32 page = 0; page < kData; page += kPageSize)
      if (page != kKernelStack - kPageSize) map(page, page, pte::P | pte::U);
    for (u32 at = 0; at < kCodeBytes; at += kPageSize) {
      map(kAlias + at, kCode + at, pte::All);
    }
    map(0xFFFF'F000, 0x60000, pte::All);
    map(0x8000'0000, 0x61000, pte::All);
    map(0x7FFF'F000, 0x62000, pte::All);
    map(0xC000'0000, 0x63000, pte::P);
    each([](TestMachine& m) { m.cpu.cr0 |= cr0::WP; });
    const u8* memory = interpreted.memory.ram().data();
    first_memory_.assign(memory, memory + compared_bytes);
    first_state_ = interpreted.cpu;
  }

  // As if made anew, but for what the translator keeps.
  void begin() {
    load(0, first_memory_);
    each([this](TestMachine& m) {
      static_cast<CpuState&>(m.cpu) = first_state_;
      m.cpu.flush_tlb();
      m.cpu.state_changed();
    });
  }

  void prepare(FuzzInput& input) {
    for (unsigned n = 0; n < 8; ++n) set(n, edge_value(input));
    if (input.byte() & 3) set(ESP, kKernelStack - 0x400);
    const u32 flags = (input.byte() & 1 ? eflags::CF : 0) | eflags::kFixedOne;
    each([&](TestMachine& m) {
      m.cpu.flags.load(flags);
      m.cpu.shutdown = m.cpu.halted = false;
    });
    open_fs_gs();
    // An operand that reaches over the end of a 4 GiB segment with a base may or may not fault (SDM 3A 5.3).
    each([](TestMachine& m) { m.cpu.segment[FS].base = m.cpu.segment[GS].base = 0; });
  }

  // False: what follows cannot be compared.
  bool turn(FuzzInput& input) {
    prepare(input);
    const u32 first = input.byte() & 1 ? kCode : kCode + kPageSize - input.byte();
    FuzzedFlatCode code(input, kAlias + (first - kCode));
    const std::vector<u8> bytes = code.make(40, kPageSize - 256);
    load(first, bytes);
    start_at(first);
    return alike(first, bytes);
  }

  // In another mode than flat 32-bit code; the input's last turn, as what code writes there may be anything.
  void last_turn(FuzzInput& input, Mode mode) {
    prepare(input);
    std::vector<u8> bytes;
    if (mode == Mode::segments)
      bytes = FuzzedFlatCode(input, kAlias).make(40, kPageSize - 256);
    else
      bytes = FuzzedSmallCode(input).make(60);
    load(kCode, bytes);
    const u32 choices = input.dword();
    each([&](TestMachine& m) { enter(m, mode, choices); });
    start_at(mode == Mode::segments && !(choices & 1) ? kCode : 0);
    alike(kCode, bytes);
  }

 private:
  bool alike(u32 first, const std::vector<u8>& bytes) {
    const RunEnd a = interpreted.run(20'000), b = translated.run(20'000, TestMachine::long_enough(a));
    if (a == RunEnd::budget || b == RunEnd::budget) return false;
    const std::string differs = difference();
    if (a == b && differs.empty()) return true;
    std::fprintf(stderr, "at %x:", first);
    for (const u8 byte : bytes) std::fprintf(stderr, " %02x", byte);
    std::fprintf(stderr, "\n%s\n", differs.c_str());
    std::abort();
  }

  static void enter(TestMachine& m, Mode mode, u32 choices) {
    Cpu& c = m.cpu;
    c.gpr[ESP] = 0x7F00;
    const auto place = [&](unsigned name, u32 base, u32 limit, bool big) {
      Segment& s = c.segment[name];
      s.base = base;
      s.limit = limit;
      s.big = big;
      s.granular = false;
      s.derive();
    };
    const u32 bases[] = {kData, kUserStack - 0x8000, kData + 1, 0x0};
    const u32 limits[] = {0xFFFF, 0x7FFF, 0xFFF, 0x10};
    switch (mode) {
      case Mode::flat: return;
      case Mode::segments:  // CS and SS with bases, the others with limits too
        if (choices & 1) place(CS, kCode, 0xFFFF, true);
        if (choices & 2) place(SS, kKernelStack - 0x8000, 0xFFFF, true);
        for (unsigned n = 0; n < 2; ++n)
          if (choices >> 2 & (1 + n))
            place(n ? ES : DS, bases[choices >> (4 + 2 * n) & 3], limits[choices >> (8 + n) & 3], true);
        if (choices >> 12 & 1) place(GS, bases[choices >> 13 & 3], limits[choices >> 15 & 3], true);
        break;
      case Mode::code16:
        place(CS, kCode, 0xFFFF, false);
        place(SS, choices & 1 ? 0 : kUserStack - 0x8000, 0xFFFF, false);
        for (const unsigned name : {DS, ES, FS, GS}) place(name, bases[choices >> (2 + 2 * name) & 3], 0xFFFF, true);
        break;
      case Mode::v86:
      case Mode::real:
        for (unsigned n = 0; n < 6; ++n) {
          Segment& s = c.segment[n];
          s = {};
          const u32 paragraph = n == CS ? kCode >> 4 : n == SS ? 0x3800 : 0x3000 + (choices >> (4 * n) & 0xF) * 0x111;
          s.selector = static_cast<u16>(paragraph);
          s.access = mode == Mode::v86 ? 0xF3 : 0x93;
          s.base = paragraph << 4;
          s.limit = 0xFFFF;
          s.derive();
        }
        if (mode == Mode::v86) {
          c.flags.load(c.flags.value() | eflags::VM | eflags::IOPL);
          c.set_cpl(3);
          break;
        }
        c.cr0 &= ~(cr0::PE | cr0::PG);
        c.idtr = {0, 0x3FF};
        for (u32 vector = 0; vector < 256; ++vector) m.memory.store<u32>(PhysAddr(4 * vector), kHandlers + 16 * vector);
        break;
    }
    c.flush_tlb();
    c.flags_changed();
    c.state_changed();
  }

  std::vector<u8> first_memory_;
  CpuState first_state_;
};

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using penumbra::FlatFuzzer;
  if (size < 24) return 0;
  static FlatFuzzer machines;
  static unsigned inputs = 0;
  machines.begin();
  penumbra::FuzzInput input({data, size});
  const auto mode = static_cast<penumbra::Mode>(input.byte() & 8 ? 0 : (input.byte() & 3) + 1);
  for (unsigned turn = 0; turn < (mode == penumbra::Mode::flat ? 8 : 2); ++turn) {
    if (input.empty() || !machines.turn(input)) break;
  }
  if (mode != penumbra::Mode::flat && !input.empty()) machines.last_turn(input, mode);
  if (++inputs % 256 == 0) machines.translated.translator->audit();
  return 0;
}
