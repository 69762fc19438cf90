// Bitwise logic: AND OR XOR TEST NOT (SDM 2).
#include "core/cpu/exec/binary.h"

namespace penumbra {

namespace {

struct And {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = a & b;
    flags.set_logic<T>(result);
    return result;
  }
};

struct Test : And {
  static constexpr bool kWrites = false;
};

struct Or {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = a | b;
    flags.set_logic<T>(result);
    return result;
  }
};

struct Xor {
  static constexpr bool kWrites = true;
  template <class T>
  static T apply(Flags& flags, T a, T b) {
    const T result = a ^ b;
    flags.set_logic<T>(result);
    return result;
  }
};

struct Not {
  template <class T>
  static T apply(Flags&, T a) {
    return static_cast<T>(~a);
  }
};

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_AND, binary<And>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_OR, binary<Or>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_XOR, binary<Xor>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_TEST, binary<Test>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_NOT, unary<Not>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::logic() { return kRows; }

}  // namespace penumbra
