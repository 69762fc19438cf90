// Zydis formats the guest's instructions, Capstone the host's, so that emitted code is read by a decoder that had no
// part in making it.
#include "translator/listing.h"

#include <capstone/capstone.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "core/base/check.h"
#include "core/debug/disassembler.h"
#include "translator/context.h"

namespace penumbra {

namespace {

struct Field {
  const char* name;
  u64 offset, size, element;
};

#define PENUMBRA_FIELD(name, element) \
  { #name, offsetof(Context, name), sizeof(Context::name), element }
constexpr Field kFields[] = {
    PENUMBRA_FIELD(gpr, 4),
    PENUMBRA_FIELD(eip, 4),
    PENUMBRA_FIELD(flags, 8),
    PENUMBRA_FIELD(poll, 8),
    PENUMBRA_FIELD(reason, 4),
    PENUMBRA_FIELD(site, 4),
    PENUMBRA_FIELD(segment_base, 4),
    PENUMBRA_FIELD(lookup, 8),
    PENUMBRA_FIELD(window, 8),
    PENUMBRA_FIELD(fpu_live, 4),
    PENUMBRA_FIELD(sse_live, 4),
    PENUMBRA_FIELD(host_mxcsr, 4),
    PENUMBRA_FIELD(fx, 512),
    PENUMBRA_FIELD(resume, 8),
    PENUMBRA_FIELD(host_stack, 8),
    PENUMBRA_FIELD(return_stack, 8),
    PENUMBRA_FIELD(fault_code, 8),
    PENUMBRA_FIELD(instruction, 4),
    PENUMBRA_FIELD(interrupt_flag, 4),
    PENUMBRA_FIELD(other_flags, 4),
    PENUMBRA_FIELD(interrupt_waiting, 4),
    PENUMBRA_FIELD(flag_before_sti, 4),
    PENUMBRA_FIELD(after_sti, 4),
    PENUMBRA_FIELD(segment_selector, 4),
    PENUMBRA_FIELD(segment_loaded, 4),
    PENUMBRA_FIELD(segment_end, 8),
    PENUMBRA_FIELD(soft_tlb, 8),
    PENUMBRA_FIELD(heat, 4),
};
#undef PENUMBRA_FIELD

std::string field_at(u64 offset) {
  for (const Field& f : kFields) {
    if (offset < f.offset || offset >= f.offset + f.size) continue;
    const u64 inside = offset - f.offset;
    return f.size > f.element && inside % f.element == 0 ? fmt::format("[context.{}[{}]]", f.name, inside / f.element)
           : inside                                      ? fmt::format("[context.{}+{}]", f.name, inside)
                                                         : fmt::format("[context.{}]", f.name);
  }
  return fmt::format("[context+{:#x}]", offset);
}

std::string hex(std::span<const u8> bytes) {
  std::string text;
  for (const u8 b : bytes) text += fmt::format("{:02x}", b);
  return text;
}

std::string mode_text(const TranslatedBlock& block) {
  using namespace block_mode;
  constexpr struct {
    u32 bit;
    const char* text;
  } kTexts[] = {{kPrivileged, ", CPL 0"}, {kReal, ", real"},   {kVirtual, ", V86"},    {kFsOpen, ", FS open"},
                {kGsOpen, ", GS open"},   {kDown, ", DF set"}, {kWide64K, ", 64 KiB"}, {kBasedCode, ", CS based"}};
  const u32 mode = block.mode;
  std::string text = fmt::format("{}, code {}, stack {}", mode & kUser ? "user" : "supervisor",
                                 mode & kCode32 ? 32 : 16, mode & kStack32 ? 32 : 16);
  for (const auto& t : kTexts)
    if (mode & t.bit) text += t.text;
  const char* names[] = {"ES", "CS", "SS", "DS"};
  for (unsigned n = 0; n < 4; ++n)
    if (!(mode & (kFlat << n))) text += fmt::format(", {} not flat", names[n]);
  return text + (block.reach == Reach::window ? ", window" : ", soft");
}

class HostCode {
 public:
  HostCode(const TranslatedBlock& block, std::span<const u8> code, const Thunks& thunks,
           std::span<const LinkSite> sites)
      : block_(block), code_(code), thunks_(thunks), sites_(sites) {
    CHECK_THAT(cs_open(CS_ARCH_X86, CS_MODE_64, &capstone_) == CS_ERR_OK);
    cs_option(capstone_, CS_OPT_DETAIL, CS_OPT_ON);
    instruction_ = cs_malloc(capstone_);
  }
  ~HostCode() {
    cs_free(instruction_, 1);
    cs_close(&capstone_);
  }
  HostCode(const HostCode&) = delete;
  HostCode& operator=(const HostCode&) = delete;

  // One instruction a line, from `begin` to `end`.
  std::vector<std::string> lines(u64 begin, u64 end) {
    std::vector<std::string> result;
    while (begin < end) {
      const u8* at = code_.data() + begin;
      std::size_t left = end - begin;
      u64 address = begin;
      const bool decoded = cs_disasm_iter(capstone_, &at, &left, &address, instruction_);
      const u64 length = decoded ? instruction_->size : 1;
      result.push_back(fmt::format("{:03x} {:<22} {}", begin, hex(code_.subspan(begin, length)),
                                   decoded ? text(begin + length) : "(bad)"));
      begin += length;
    }
    return result;
  }

 private:
  std::string text(u64 next) const {
    std::string operands = instruction_->op_str;
    const cs_x86& x86 = instruction_->detail->x86;
    const bool branch = cs_insn_group(capstone_, instruction_, X86_GRP_BRANCH_RELATIVE);
    if (branch) operands = target_text(static_cast<i64>(x86.operands[0].imm), next);
    for (unsigned n = 0; n < x86.op_count && !branch; ++n) {
      const cs_x86_op& op = x86.operands[n];
      if (op.type != X86_OP_MEM || op.mem.base != X86_REG_R13 || op.mem.index != X86_REG_INVALID) continue;
      const std::size_t open = operands.find('['), close = operands.find(']');
      operands.replace(open, close - open + 1, field_at(static_cast<u64>(op.mem.disp)));
    }
    return operands.empty() ? instruction_->mnemonic : fmt::format("{} {}", instruction_->mnemonic, operands);
  }

  std::string target_text(i64 target, u64 next) const {
    std::string where = fmt::format("{:03x}", target);
    const u64 offset = block_.code + static_cast<u64>(target);
    for (const Thunks::Named& thunk : thunks_.names())
      if (offset == thunk.offset) where = thunk.name;
    for (const LinkSite& site : sites_)
      if (site.from == &block_ && site.place + 4 == next) where += fmt::format("  ; links to {:08x}", site.target);
    return where;
  }

  const TranslatedBlock& block_;
  std::span<const u8> code_;
  const Thunks& thunks_;
  std::span<const LinkSite> sites_;
  csh capstone_ = 0;
  cs_insn* instruction_ = nullptr;
};

// The columns beside each other; the left one goes with the first line of the right one.
void beside(std::vector<std::string>& lines, const std::string& left, const std::vector<std::string>& right) {
  const std::size_t rows = std::max<std::size_t>(right.size(), 1);
  for (std::size_t n = 0; n < rows; ++n) {
    std::string line =
        fmt::format("{:<58} | {}", n == 0 ? left : std::string(), n < right.size() ? right[n] : std::string());
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
}

}  // namespace

std::vector<std::string> list_block(const TranslatedBlock& block, std::span<const u8> guest, std::span<const u8> host,
                                    const Thunks& thunks, std::span<const LinkSite> sites) {
  std::vector<std::string> lines = {fmt::format(
      "block {:08x}, physical {:x}, {}: {} guest bytes, {} host bytes and {} of exits", block.eip, block.physical,
      mode_text(block), block.bytes, block.body_bytes, block.code_bytes - block.body_bytes)};
  HostCode code(block, host, thunks, sites);
  const bool code32 = block.mode & block_mode::kCode32;
  const auto& starts = block.starts;
  u32 translated = 0;  // guest bytes
  for (std::size_t n = 0; n < starts.size(); ++n) {
    const u64 end = n + 1 < starts.size() ? starts[n + 1].host : block.body_bytes;
    const u32 eip = block.eip + starts[n].guest;
    const auto bytes = guest.subspan(starts[n].guest);
    const u32 length = instruction_length(bytes, code32);
    translated = std::max(translated, starts[n].guest + length);
    beside(lines,
           fmt::format("{:08x} {:2} {:3} {}", eip, length, end - starts[n].host, disassemble(bytes, eip, code32)),
           code.lines(starts[n].host, end));
  }
  std::string end = "exits";
  if (translated < guest.size()) {
    const u32 eip = block.eip + translated;
    end = fmt::format("{:08x} {:2}   - {}", eip, guest.size() - translated,
                      disassemble(guest.subspan(translated), eip, code32));
  }
  beside(lines, end, code.lines(block.body_bytes, block.code_bytes));
  return lines;
}

}  // namespace penumbra
