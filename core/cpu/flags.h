// EFLAGS, with the six arithmetic flags kept as the last result and its carries until somebody asks for them.
#pragma once

#include <type_traits>

#include "core/base/bits.h"
#include "core/base/types.h"

namespace penumbra {

// SDM 1 3.4.3.
namespace eflags {
inline constexpr u32 CF = 1u << 0, PF = 1u << 2, AF = 1u << 4, ZF = 1u << 6, SF = 1u << 7, TF = 1u << 8, IF = 1u << 9,
                     DF = 1u << 10, OF = 1u << 11, IOPL = 3u << 12, NT = 1u << 14, RF = 1u << 16, VM = 1u << 17,
                     AC = 1u << 18, VIF = 1u << 19, VIP = 1u << 20, ID = 1u << 21;
inline constexpr u32 kFixedOne = 1u << 1;
inline constexpr u32 kArithmetic = CF | PF | AF | ZF | SF | OF;
inline constexpr u32 kImplemented = 0x003F'7FD5;
}  // namespace eflags

// result_: the last result, sign-extended to 32 bits; ZF, SF and PF follow from it.
// aux_: bit 31 carry out of the top bit (CF), bit 30 carry into it (OF is their difference), bit 3 carry out of bit 3
// (AF),
//       bits 15:8 and bit 0 correct PF and SF where flags were loaded that no result could have.
class Flags {
 public:
  bool cf() const { return aux_ >> 31; }
  bool of() const { return ((aux_ >> 31) ^ (aux_ >> 30)) & 1; }
  bool zf() const { return result_ == 0; }
  bool sf() const { return ((result_ >> 31) ^ aux_) & 1; }
  bool af() const { return aux_ >> 3 & 1; }
  bool pf() const { return !__builtin_parity((result_ ^ aux_ >> 8) & 0xFF); }

  template <class T>
  void set_add(T a, T b, T result) {
    const T carries = static_cast<T>((a & b) | ((a | b) & ~result));
    set<T>(result, carries);
  }
  template <class T>
  void set_sub(T a, T b, T result) {
    const T borrows = static_cast<T>((~a & b) | (~(a ^ b) & result));
    set<T>(result, borrows);
  }
  // AND, OR, XOR, TEST: CF, OF and AF are cleared (AF is undefined by the SDM; processors clear it).
  template <class T>
  void set_logic(T result) {
    result_ = extend(result);
    aux_ = 0;
  }
  // INC and DEC: as addition or subtraction of 1, but CF stays.
  template <class T>
  void set_inc(T before, T result) {
    const bool carry = cf();
    set_add<T>(before, 1, result);
    keep_carry(carry);
  }
  template <class T>
  void set_dec(T before, T result) {
    const bool carry = cf();
    set_sub<T>(before, 1, result);
    keep_carry(carry);
  }
  // Result flags from a value, with CF, OF and AF given.
  template <class T>
  void set_result(T result, bool carry, bool overflow, bool adjust = false) {
    result_ = extend(result);
    aux_ = u32{carry} << 31 | u32(carry != overflow) << 30 | u32{adjust} << 3;
  }
  void set_cf(bool on) { set_cf_of(on, of()); }
  void set_cf_of(bool carry, bool overflow) {
    aux_ = (aux_ & 0x3FFF'FFFF) | u32{carry} << 31 | u32(carry != overflow) << 30;
  }
  void set_zf(bool on) { load_arithmetic((arithmetic() & ~eflags::ZF) | (on ? eflags::ZF : 0)); }

  u32 arithmetic() const {
    return u32{cf()} | u32{pf()} << 2 | u32{af()} << 4 | u32{zf()} << 6 | u32{sf()} << 7 | u32{of()} << 11;
  }
  void load_arithmetic(u32 value) {
    const bool zero = value & eflags::ZF;
    const bool sign = value & eflags::SF;
    const bool parity = value & eflags::PF;
    const bool carry = value & eflags::CF;
    const bool overflow = value & eflags::OF;
    result_ = zero ? 0 : 1;  // parity of 0 is even, of 1 odd
    aux_ = u32{carry} << 31 | u32(carry != overflow) << 30 | u32{(value & eflags::AF) != 0} << 3 | u32{sign} |
           u32(zero ? !parity : parity) << 8;
  }

  // Everything but the arithmetic flags; those bits are 0 here.
  u32 rest = eflags::kFixedOne;

  u32 value() const { return rest | arithmetic(); }
  // All bits as given; the caller has applied the rules of who may change what.
  void load(u32 value) {
    load_arithmetic(value);
    rest = (value & eflags::kImplemented & ~eflags::kArithmetic) | eflags::kFixedOne;
  }

  // Condition codes 0 (O) to 15 (NLE), SDM 2 appendix B table B-10.
  template <unsigned Code>
  bool condition() const {
    constexpr unsigned kind = Code >> 1;
    bool truth;
    if constexpr (kind == 0)
      truth = of();
    else if constexpr (kind == 1)
      truth = cf();
    else if constexpr (kind == 2)
      truth = zf();
    else if constexpr (kind == 3)
      truth = cf() || zf();
    else if constexpr (kind == 4)
      truth = sf();
    else if constexpr (kind == 5)
      truth = pf();
    else if constexpr (kind == 6)
      truth = sf() != of();
    else
      truth = zf() || sf() != of();
    return truth != (Code & 1);
  }

 private:
  template <class T>
  static u32 extend(T value) {
    return static_cast<u32>(static_cast<i32>(static_cast<std::make_signed_t<T>>(value)));
  }
  template <class T>
  void set(T result, T carries) {
    result_ = extend(result);
    if constexpr (sizeof(T) == 4)
      aux_ = carries & 0xC000'0008;
    else
      aux_ = (u32{carries} << (32 - 8 * sizeof(T)) & 0xC000'0000) | (carries & 8u);
  }
  void keep_carry(bool carry) { set_cf_of(carry, of()); }

  u32 result_ = 1;
  u32 aux_ = 0;
};

}  // namespace penumbra
