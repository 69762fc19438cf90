// What is said about a difference: enough to act on without a second run.
#include <fmt/format.h>

#include <cstring>

#include "core/debug/disassembler.h"
#include "translator/lockstep.h"
#include "translator/state_difference.h"

namespace penumbra {

namespace {

std::string hex(std::span<const u8> bytes) { return fmt::format("{:02x}", fmt::join(bytes, " ")); }

std::string registers(const CpuState& s) {
  return fmt::format(
      "eax {:08x} ecx {:08x} edx {:08x} ebx {:08x} esp {:08x} ebp {:08x} esi {:08x} edi {:08x} eflags {:08x}",
      s.gpr[EAX], s.gpr[ECX], s.gpr[EDX], s.gpr[EBX], s.gpr[ESP], s.gpr[EBP], s.gpr[ESI], s.gpr[EDI], s.flags.value());
}

}  // namespace

// Assumes that memory is as emitted code left it.
std::string Lockstep::difference() const {
  constexpr unsigned kMostShown = 8;
  std::string text = "the results differ\n" + state_difference(wanted_, cpu_);
  unsigned shown = 0;
  for (const Expected& e : expected_) {
    if (std::memcmp(e.at, e.content.data(), e.bytes) == 0) continue;
    if (++shown > kMostShown) break;
    text += fmt::format("  memory at {:x}: interpreter {}\n    translator {}\n", e.physical,
                        hex(std::span(e.content).first(e.bytes)), hex({e.at, e.bytes}));
  }
  text.pop_back();
  return text;
}

void Lockstep::fail(const TranslatedBlock& block, std::string_view what, std::span<const u8> host_code) const {
  std::string text = fmt::format(
      "lockstep: block {:04x}:{:08x} (physical {:x}), after {} blocks of {} instructions, {} instructions into the "
      "block: {}\n",
      before_.segment[CS].selector, block.eip, block.physical, counters_.blocks, counters_.instructions, end_.completed,
      what);
  text += "before: " + registers(before_) + "\n";
  if (block.rehearsed) {
    const RehearsedBlock& r = *block.rehearsed;
    for (u32 n = 0; n < r.count(); ++n) {
      const Insn& insn = r.insns[n];
      const auto bytes = std::span(r.bytes).subspan(insn.offset, insn.length);
      text += fmt::format("  {:08x}  {:<30} {}\n", block.eip + insn.offset, hex(bytes),
                          disassemble(bytes, block.eip + insn.offset, before_.segment[CS].big));
    }
  }
  if (!host_code.empty()) text += "host code: " + hex(host_code) + "\n";
  text.pop_back();
  throw EnginesDiffer(text);
}

}  // namespace penumbra
