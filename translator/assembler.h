// Writes x86-64 machine code, byte by byte (SDM 2): the few forms of our own glue, and guest instructions re-encoded.
#pragma once

#include <span>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

// Host registers by their number. Guest registers live in their namesakes, but for ESP, which lives in R12.
enum Host : u8 { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
inline constexpr Host kGuestEsp = R12;
inline constexpr Host kContext = R13;
inline constexpr Host kPoll = R14;  // Context::poll
// Free at instruction boundaries: R8 to R11 and R15.
constexpr Host host_register(unsigned guest) { return guest == 4 ? kGuestEsp : static_cast<Host>(guest); }

// An address in host registers; with 32-bit address size where `window` is set: GS base + (32-bit sum).
struct HostAddress {
  static constexpr u8 kNone = 0xFF;
  u8 base = kNone;
  u8 index = kNone;
  u8 scale = 0;  // a shift count
  u32 displacement = 0;
  bool window = false;
};

class Assembler {
 public:
  Assembler(u8* at, u64 room) : start_(at), at_(at), end_(at + room) {}

  u64 size() const { return static_cast<u64>(at_ - start_); }
  // Forgets what was written from there on.
  void take_back(u64 size) { at_ = start_ + size; }
  // Nothing is written beyond the room; `overflow` tells that it was not enough.
  bool overflow() const { return overflow_; }

  void byte(unsigned value) {
    if (at_ == end_) {
      overflow_ = true;
      return;
    }
    *at_++ = static_cast<u8>(value);
  }
  void bytes(std::span<const u8> values) {
    for (const u8 v : values) byte(v);
  }
  void dword(u32 value) {
    for (unsigned n = 0; n < 4; ++n) byte(value >> (8 * n));
  }

  struct Form {
    u8 prefixes[3] = {};  // LOCK, 66h, F2h or F3h; 0 is none
    std::span<const u8> opcode;
    bool wide = false;  // REX.W
  };
  // opcode + ModRM with a memory operand. `reg` is a host register's number or an opcode extension.
  void with_memory(const Form& form, unsigned reg, const HostAddress& address);
  void with_register(const Form& form, unsigned reg, unsigned rm);

  // --- glue: none of it touches flags ---
  void move(Host to, Host from);                      // mov r32, r32
  void move(Host to, u32 immediate);                  // mov r32, imm32
  void load(Host to, const HostAddress& from);        // mov r32, [..]
  void load_wide(Host to, const HostAddress& from);   // mov r64, [..]
  void store(const HostAddress& to, Host from);       // mov [..], r32
  void store(const HostAddress& to, u32 immediate);   // mov dword [..], imm32
  void address(Host to, const HostAddress& of);       // lea r32, [..]
  void address_wide(Host to, const HostAddress& of);  // lea r64, [..]
  void zero_extend_word(Host to, Host from);          // movzx r32, r16
  void zero_extend_byte(Host to, Host from);          // movzx r32, r8
  void swap_bytes(Host r);                            // bswap r32
  void swap_bytes_wide(Host r);                       // bswap r64
  void exchange_bytes(Host r);                        // xchg r8l, r8h, of RAX to RBX
  void move_byte(Host to, Host from);                 // mov r8l, r8l
  void complement_wide(Host r);                       // not r64
  // Jumps forward or backward inside of this code: the place of the displacement, to be bound.
  u64 jump();
  u64 jump_if(unsigned condition);  // 0 to 15, as in Jcc
  u64 jump_if_ecx_zero();           // a byte's displacement
  u64 call();
  void ret() { byte(0xC3); }
  void bind(u64 place) { bind(place, size()); }
  void bind(u64 place, u64 target);
  void bind_short(u64 place) { bind_short(place, size()); }
  void bind_short(u64 place, u64 target);
  // The host address of a place in this code, given as a distance from its start.
  void code_address(Host to, u64 target);
  // A jump to an absolute place in the same buffer, given as the distance from this code's start.
  void jump_to(i64 offset);
  void call_to(i64 offset);

 private:
  void prefix(const Form& form, unsigned reg, unsigned rm, unsigned index, bool window);

  u8* start_;
  u8* at_;
  u8* end_;
  bool overflow_ = false;
};

// A field of the Context.
template <class Field, class Class>
HostAddress context_field(Field Class::*field) {
  static const Class probe{};
  const auto offset = reinterpret_cast<const u8*>(&(probe.*field)) - reinterpret_cast<const u8*>(&probe);
  return {.base = kContext, .displacement = static_cast<u32>(offset)};
}

}  // namespace penumbra
