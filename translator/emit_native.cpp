// Instructions whose meaning on the host is the guest's: the guest's own bytes, with ESP in R12 and memory operands in
// the window.
#include "translator/emitter.h"

namespace penumbra {

namespace {

// What a register field of an encoding holds, and what that means for the host's.
struct Field {
  unsigned number = 0;
  bool high_byte = false;  // AH CH DH BH: not encodable beside a REX prefix
};

bool is_high_byte(ZydisRegister name) {
  return name == ZYDIS_REGISTER_AH || name == ZYDIS_REGISTER_CH || name == ZYDIS_REGISTER_DH ||
         name == ZYDIS_REGISTER_BH;
}

Field field_of(const GuestInstruction& g, ZydisOperandEncoding encoding, unsigned number) {
  for (unsigned n = 0; n < g.z.operand_count; ++n) {
    const ZydisDecodedOperand& op = g.operands[n];
    if (op.encoding != encoding || op.type != ZYDIS_OPERAND_TYPE_REGISTER) continue;
    const ZydisRegisterClass kind = ZydisRegisterGetClass(op.reg.value);
    if (kind == ZYDIS_REGCLASS_GPR8) return {number, is_high_byte(op.reg.value)};
    if (kind == ZYDIS_REGCLASS_GPR16 || kind == ZYDIS_REGCLASS_GPR32) return {host_register(number), false};
  }
  return {number, false};
}

const ZydisDecodedOperand* memory_operand(const GuestInstruction& g) {
  for (unsigned n = 0; n < g.z.operand_count; ++n)
    if (g.operands[n].type == ZYDIS_OPERAND_TYPE_MEMORY) return &g.operands[n];
  return nullptr;
}

void add_prefix(Assembler::Form& form, u8 prefix) {
  for (u8& p : form.prefixes)
    if (!p) {
      p = prefix;
      return;
    }
}

// Whether 66h makes this instruction's operands 16 bits wide, and is no part of its opcode.
bool sized_by_prefix(const GuestInstruction& g) {
  return g.z.meta.isa_ext != ZYDIS_ISA_EXT_X87 && g.z.meta.isa_ext != ZYDIS_ISA_EXT_MMX &&
         g.z.meta.isa_ext != ZYDIS_ISA_EXT_SSE && g.z.meta.isa_ext != ZYDIS_ISA_EXT_SSE2;
}

Assembler::Form form_of(const GuestInstruction& g, std::span<const u8> opcode) {
  Assembler::Form form{.opcode = opcode};
  if (g.z.attributes & ZYDIS_ATTRIB_HAS_LOCK) add_prefix(form, 0xF0);
  // The host's default is 32 bits, whatever the guest's.
  if (sized_by_prefix(g) && g.word()) add_prefix(form, 0x66);
  for (unsigned n = 0; n < g.z.raw.prefix_count; ++n) {
    const auto& p = g.z.raw.prefixes[n];
    // A repeat prefix that means nothing on the guest's processor may be another instruction on the host's.
    const bool part_of_opcode =
        p.type == ZYDIS_PREFIX_TYPE_MANDATORY && (p.value == 0x66 || p.value == 0xF2 || p.value == 0xF3);
    if (!part_of_opcode) continue;
    bool there = false;
    for (const u8 already : form.prefixes) there |= already == p.value;
    if (!there) add_prefix(form, p.value);
  }
  return form;
}

// A bit offset in a register reaches beyond the operand.
bool reaches_beyond(const GuestInstruction& g) {
  switch (g.z.mnemonic) {
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTS:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTC: return g.operands[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    default: return false;
  }
}

}  // namespace

// A bit of a string in memory: its unit is addressed here, so that the access reaches no further.
bool Emitter::bit_string(const GuestInstruction& g, const Assembler::Form& form, const ZydisDecodedOperand& memory) {
  a_.address(R8, offset_of(memory));
  a_.move(R9, host_register(g.z.raw.modrm.reg));
  a_.call_to(thunk(g.word() ? thunks_.word_of_bit : thunks_.dword_of_bit));
  const unsigned segment = static_cast<unsigned>(ZydisRegisterGetId(memory.mem.segment));
  const bool writes = g.z.mnemonic != ZYDIS_MNEMONIC_BT;
  if (segment == CS && writes) return false;
  a_.with_memory(form, R9,
                 reach(g, segment, {.base = R8}, g.z.address_width, g.word() ? 2 : 4,
                       writes ? ReadWrite::write : ReadWrite::read));
  return true;
}

bool Emitter::native(const GuestInstruction& g) {
  const auto& raw = g.z.raw;
  const bool has_modrm = raw.modrm.offset != 0;
  const unsigned map_bytes = g.z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT ? 1
                             : g.z.opcode_map == ZYDIS_OPCODE_MAP_0F    ? 2
                                                                        : 3;
  constexpr u8 kGroup1[] = {0x80};
  // 82h, an alias of 80h, is gone on the host.
  const bool alias = map_bytes == 1 && g.z.opcode == 0x82;
  const std::span<const u8> opcode =
      alias ? std::span<const u8>(kGroup1) : g.bytes.subspan(raw.prefix_count, map_bytes);
  const Assembler::Form form = form_of(g, opcode);
  const ZydisDecodedOperand* memory = memory_operand(g);

  if (has_modrm) {
    const Field reg = field_of(g, ZYDIS_OPERAND_ENCODING_MODRM_REG, raw.modrm.reg);
    if (raw.modrm.mod == 3) {
      const Field rm = field_of(g, ZYDIS_OPERAND_ENCODING_MODRM_RM, raw.modrm.rm);
      if ((reg.high_byte && (rm.number & 8)) || (rm.high_byte && (reg.number & 8))) return false;
      a_.with_register(form, reg.number, rm.number);
    } else {
      if (!memory) return false;
      const unsigned segment = static_cast<unsigned>(ZydisRegisterGetId(memory->mem.segment));
      const bool plain = block_.reach == Reach::window && flat(segment) && g.z.address_width == 32;
      const bool by_register = has(block_mode::kByRegister);
      if (reaches_beyond(g) && (!plain || by_register)) return bit_string(g, form, *memory);
      // AH to BH are not encodable beside R8 to R15: the byte goes through R9.
      const HostAddress offset = offset_of(*memory);
      const auto high = [](u8 r) { return r != HostAddress::kNone && (r & 8); };
      const bool through_scratch = reg.high_byte && (!plain || by_register || high(offset.base) || high(offset.index));
      const Host whole = static_cast<Host>(reg.number & 3);
      if (through_scratch) {
        a_.exchange_bytes(whole);
        a_.move(R9, whole);
        a_.exchange_bytes(whole);
      }
      HostAddress address;
      if (!guest_address(g, *memory, address)) return false;
      a_.with_memory(form, through_scratch ? static_cast<unsigned>(R9) : reg.number, address);
      if (through_scratch) {
        a_.exchange_bytes(whole);
        a_.move_byte(whole, R9);
        a_.exchange_bytes(whole);
      }
    }
  } else {
    if (memory) return false;
    const Field embedded = field_of(g, ZYDIS_OPERAND_ENCODING_OPCODE, opcode.back() & 7);
    for (const u8 p : form.prefixes)
      if (p) a_.byte(p);
    if (embedded.number & 8) a_.byte(0x41);
    a_.bytes(opcode);
  }
  for (const auto& imm : raw.imm)
    if (imm.size) a_.bytes(g.bytes.subspan(imm.offset, imm.size / 8));
  return true;
}

// MOV between the accumulator and an absolute address: A0h to A3h have 64-bit addresses on the host.
bool Emitter::move_offset(const GuestInstruction& g) {
  const u8 guest_opcode = g.bytes[g.z.raw.prefix_count];
  const u8 opcode[] = {static_cast<u8>(guest_opcode == 0xA0   ? 0x8A
                                       : guest_opcode == 0xA1 ? 0x8B
                                       : guest_opcode == 0xA2 ? 0x88
                                                              : 0x89)};
  HostAddress address;
  if (!guest_address(g, *memory_operand(g), address)) return false;
  a_.with_memory(form_of(g, opcode), RAX, address);
  return true;
}

// CR0, CR2 and CR3 do not change while emitted code runs.
bool Emitter::move_from_control(const GuestInstruction& g) {
  constexpr u8 kFromControl = 0x20;
  const unsigned number = g.z.raw.modrm.reg;
  if (g.z.opcode != kFromControl || number == 1 || number > 3 || !has(block_mode::kPrivileged)) return false;
  HostAddress control = context_field(&Context::control);
  control.displacement += 4 * number;
  a_.load(host_register(g.z.raw.modrm.rm), control);
  return true;
}

// C++ reads the clock and comes back. In lockstep the interpreter reads it, once for both.
bool Emitter::read_time(const GuestInstruction& g) {
  if (!transitions_) return false;
  const u64 exit = a_.jump();
  later_.push_back({Later::Kind::time, exit, g.eip, a_.size()});
  return true;
}

// INC and DEC of a register: 40h to 4Fh are REX prefixes on the host.
bool Emitter::step_register(const GuestInstruction& g, unsigned extension) {
  constexpr u8 kOpcode[] = {0xFF};
  a_.with_register(form_of(g, kOpcode), extension, host_register(g.z.opcode & 7));
  return true;
}

// What was emitted before an instruction turned out to be the interpreter's is taken back: a fault in it would be taken
// for one of the instruction before.
bool Emitter::instruction(const GuestInstruction& g, Emission emission) {
  if (emission == Emission::helper) return false;
  const u64 size = a_.size();
  const std::size_t later = later_.size();
  const u8 live = live_, needs = block_.needs;
  if (emit(g)) return true;
  live_ = live;
  block_.needs = needs;
  a_.take_back(size);
  later_.erase(later_.begin() + static_cast<std::ptrdiff_t>(later), later_.end());
  return false;
}

bool Emitter::emit(const GuestInstruction& g) {
  bool done = false;
  const bool one_byte = g.z.opcode_map == ZYDIS_OPCODE_MAP_DEFAULT;
  switch (g.z.mnemonic) {
    case ZYDIS_MNEMONIC_JMP: done = jump(g); break;
    case ZYDIS_MNEMONIC_CALL: done = call(g); break;
    case ZYDIS_MNEMONIC_RET: done = ret(g); break;
    case ZYDIS_MNEMONIC_LOOP:
    case ZYDIS_MNEMONIC_JCXZ:
    case ZYDIS_MNEMONIC_JECXZ: done = count_jump(g); break;
    case ZYDIS_MNEMONIC_PUSH: done = push(g); break;
    case ZYDIS_MNEMONIC_POP: done = pop(g); break;
    case ZYDIS_MNEMONIC_LEAVE: done = leave_frame(g); break;
    case ZYDIS_MNEMONIC_PUSHF:
    case ZYDIS_MNEMONIC_PUSHFD: done = push_flags(g); break;
    case ZYDIS_MNEMONIC_POPF:
    case ZYDIS_MNEMONIC_POPFD: done = pop_flags(g); break;
    case ZYDIS_MNEMONIC_CLI:
    case ZYDIS_MNEMONIC_STI: done = interrupt_flag(g); break;
    case ZYDIS_MNEMONIC_LDS: done = load_far_pointer(g, DS); break;
    case ZYDIS_MNEMONIC_LES: done = load_far_pointer(g, ES); break;
    case ZYDIS_MNEMONIC_LFS: done = load_far_pointer(g, FS); break;
    case ZYDIS_MNEMONIC_LGS: done = load_far_pointer(g, GS); break;
    case ZYDIS_MNEMONIC_VERR:
    case ZYDIS_MNEMONIC_VERW: done = verify_segment(g); break;
    case ZYDIS_MNEMONIC_SYSENTER:
    case ZYDIS_MNEMONIC_SYSEXIT: done = change_privilege(g); break;
    case ZYDIS_MNEMONIC_IRETD: done = return_from_interrupt(g); break;
    case ZYDIS_MNEMONIC_NOP:
    case ZYDIS_MNEMONIC_PAUSE:
    case ZYDIS_MNEMONIC_PREFETCHNTA:
    case ZYDIS_MNEMONIC_PREFETCHT0:
    case ZYDIS_MNEMONIC_PREFETCHT1:
    case ZYDIS_MNEMONIC_PREFETCHT2: done = true; break;
    // The direction is part of what the block assumes.
    case ZYDIS_MNEMONIC_CLD: done = !(block_.mode & block_mode::kDown); break;
    case ZYDIS_MNEMONIC_RDTSC: done = read_time(g); break;
    case ZYDIS_MNEMONIC_MOV:
      // Control and debug registers; SSE's MOVs have other mnemonics.
      done = !one_byte                                  ? move_from_control(g)
             : g.z.opcode == 0x8C || g.z.opcode == 0x8E ? move_segment(g)
             : g.z.opcode >= 0xA0 && g.z.opcode <= 0xA3 ? move_offset(g)
                                                        : native(g);
      break;
    case ZYDIS_MNEMONIC_INC: done = one_byte && g.z.opcode < 0x50 ? step_register(g, 0) : native(g); break;
    case ZYDIS_MNEMONIC_DEC: done = one_byte && g.z.opcode < 0x50 ? step_register(g, 1) : native(g); break;
    default:
      if (g.z.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE) {
        done = conditional(g, g.z.opcode & 15);
      } else if (g.z.meta.category == ZYDIS_CATEGORY_STRINGOP) {
        done = string(g);
      } else {
        need_fpu(g);
        done = native(g);
      }
  }
  // What was begun and declined has only computed an address in scratch registers; the interpreter's exit follows.
  return done;
}

}  // namespace penumbra
