// Fuzzes the translator: random flat 32-bit code, run by the interpreter and by emitted code, must end alike.
#include <cstdio>
#include <cstdlib>

#include "tests/support/fuzz_input.h"
#include "tests/support/fuzzed_flat_code.h"
#include "tests/support/translated_cpu.h"

// Emitted code's faults are the translator's, also under the address sanitizer.
extern "C" const char* __asan_default_options() {
  return "handle_segv=0:handle_sigbus=0:handle_sigfpe=0:handle_sigill=0:handle_abort=1:use_sigaltstack=0";
}

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kAlias = 0xB000'0000, kCodeBytes = 2 * kPageSize;

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
    const RunEnd a = interpreted.run(20'000), b = translated.run(20'000);
    if (a == RunEnd::budget || b == RunEnd::budget) return false;
    const std::string differs = difference();
    if (a == b && differs.empty()) return true;
    std::fprintf(stderr, "at %x:", first);
    for (const u8 byte : bytes) std::fprintf(stderr, " %02x", byte);
    std::fprintf(stderr, "\n%s\n", differs.c_str());
    std::abort();
  }

 private:
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
  for (unsigned turn = 0; turn < 8 && !input.empty() && machines.turn(input); ++turn) {
  }
  if (++inputs % 256 == 0) machines.translated.translator->audit();
  return 0;
}
