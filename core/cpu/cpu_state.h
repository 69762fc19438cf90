// The architectural state of one processor, as the SDM names it: what a snapshot holds and what engines must agree on.
#pragma once

#include <array>

#include "core/base/state.h"
#include "core/base/types.h"
#include "core/cpu/flags.h"

namespace penumbra {

enum Gpr : u8 { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, kNoGpr };
enum SegmentName : u8 { ES, CS, SS, DS, FS, GS };

namespace cr0 {
inline constexpr u32 PE = 1u << 0, MP = 1u << 1, EM = 1u << 2, TS = 1u << 3, ET = 1u << 4, NE = 1u << 5, WP = 1u << 16,
                     AM = 1u << 18, NW = 1u << 29, CD = 1u << 30, PG = 1u << 31;
}
namespace cr4 {
inline constexpr u32 VME = 1u << 0, PVI = 1u << 1, TSD = 1u << 2, DE = 1u << 3, PSE = 1u << 4, PAE = 1u << 5,
                     MCE = 1u << 6, PGE = 1u << 7, PCE = 1u << 8, OSFXSR = 1u << 9, OSXMMEXCPT = 1u << 10;
}
namespace efer {
inline constexpr u64 NXE = 1u << 11;
}

// A segment register with its hidden part (SDM 3A 3.4.3).
struct Segment {
  u16 selector = 0;
  u8 access = 0;     // descriptor byte 5: P, DPL, S, type
  bool big = false;  // D/B
  bool granular = false;
  bool available = false;
  u32 base = 0;
  u32 limit = 0;  // in bytes, inclusive
  // Derived by `derive`: an access of n bytes at offset x is plainly allowed if x + n <= the end; anything else is
  // looked at with care. Expand-down segments have both ends at 0.
  u64 read_end = 0;
  u64 write_end = 0;
  u64 code_end = 0;  // for CS: limit + 1

  bool present() const { return access & 0x80; }
  unsigned dpl() const { return access >> 5 & 3; }
  bool code_or_data() const { return access & 0x10; }
  bool code() const { return (access & 0x18) == 0x18; }
  bool conforming() const { return (access & 0x1C) == 0x1C; }
  bool readable() const { return !(access & 8) || (access & 2); }
  bool writable() const { return (access & 0x0A) == 2; }
  bool expand_down() const { return (access & 0x1C) == 0x14; }
  unsigned type() const { return access & 0x0F; }
  bool usable() const { return present() && code_or_data(); }

  void derive() {
    const u64 end = u64{limit} + 1;
    const bool plain = usable() && !expand_down();
    read_end = plain && readable() ? end : 0;
    write_end = plain && writable() ? end : 0;
    code_end = end;
  }
  // A null selector: nothing may be accessed.
  void make_unusable(u16 new_selector) {
    *this = {};
    selector = new_selector;
  }
  void visit(State& state, std::string_view name);
};

struct DescriptorTable {
  u32 base = 0;
  u16 limit = 0xFFFF;
};

// An 80-bit extended-precision value as the x87 stores it.
struct Float80 {
  u64 significand = 0;
  u16 sign_exponent = 0;
};

struct X87State {
  std::array<Float80, 8> registers{};  // R0 to R7, not relative to TOP
  u16 control = 0x0040;                // after reset; FNINIT makes it 037Fh
  u16 status = 0;                      // without TOP, which is kept apart
  u8 top = 0;
  u8 valid = 0;  // bit n: Rn is not empty
  u16 opcode = 0;
  u16 instruction_selector = 0;
  u16 operand_selector = 0;
  u32 instruction_pointer = 0;
  u32 operand_pointer = 0;

  u16 status_word() const { return static_cast<u16>(status | top << 11); }
  void load_status_word(u16 value) {
    top = value >> 11 & 7;
    status = value & ~0x3800;
  }
  // Two bits a register: 0 valid, 1 zero, 2 special, 3 empty (SDM 1 8.1.7).
  u16 tag_word() const;
  void load_tag_word(u16 tags);
  void visit(State& state);
};

union alignas(16) Xmm {
  u8 byte[16];
  u16 word[8];
  u32 dword[4];
  u64 qword[2];
};

struct CpuState {
  u32 gpr[9] = {};  // the ninth is always 0: an absent base or index register
  u32 eip = 0xFFF0;
  Flags flags;
  u8 cpl = 0;  // 0 in real mode, 3 in virtual-8086 mode
  std::array<Segment, 6> segment;
  Segment ldtr, tr;
  DescriptorTable gdtr, idtr;
  u32 cr0 = 0x6000'0010, cr2 = 0, cr3 = 0, cr4 = 0;
  std::array<u64, 4> pdpte{};  // PAE's page-directory-pointer entries, read when CR3 is loaded
  std::array<u32, 8> dr{};
  u64 efer = 0;
  X87State x87;
  std::array<Xmm, 8> xmm{};
  u32 mxcsr = 0x1F80;
  u32 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
  i64 tsc_offset = 0;  // RDTSC answers the clock's cycles plus this
  u64 apic_base = 0xFEE0'0900;
  u64 pat = 0x0007'0406'0007'0406;
  u64 debug_control = 0;
  u64 misc_enable = 1;
  std::array<u64, 32> mtrr{};  // kept, without effect: 200h-20Fh, 250h, 258h, 259h, 268h-26Fh, 2FFh
  bool halted = false;
  bool shutdown = false;          // after a triple fault
  bool interrupt_shadow = false;  // the instruction before was STI or loaded SS (SDM 3A 6.8.1, 6.8.3)
  bool debug_shadow = false;      // the instruction before loaded SS: data and code breakpoints wait too
  bool nmi_blocked = false;       // between an NMI and the next IRET
  bool nmi_pending = false;

  bool protected_mode() const { return cr0 & cr0::PE; }
  bool v86() const { return flags.rest & eflags::VM; }
  bool real_or_v86() const { return !protected_mode() || v86(); }
  unsigned iopl() const { return flags.rest >> 12 & 3; }

  void visit(State& state);
};

}  // namespace penumbra
