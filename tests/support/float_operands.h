// Random floating-point operands and controls, weighted to where rules meet: zeros, denormals, the ends of the exponent
// range, NaNs, encodings that are not supported, few significant bits, and values close to each other.
#pragma once

#include <random>

#include "core/cpu/cpu_state.h"

namespace penumbra {

class FloatOperands {
 public:
  explicit FloatOperands(u64 seed) : random_(seed) {}

  u64 bits() { return random_(); }
  u32 below(u32 limit) { return static_cast<u32>(random_() % limit); }
  bool one_in(u32 n) { return below(n) == 0; }

  // A significand's 64 bits, often with long runs of equal bits.
  u64 significand() {
    switch (below(6)) {
      case 0: return u64{1} << 63 | u64{1} << below(64);
      case 1: return ~u64{0} << below(64);
      case 2: return ~u64{0} >> below(64) | u64{1} << 63;
      case 3: return (u64{1} << 63) + (u64{1} << below(63)) - (u64{1} << below(63));
      case 4: return u64{1} << 63;
      default: return bits() | u64{1} << 63;
    }
  }

  Float80 extended() {
    const u16 sign = static_cast<u16>(bits() & 0x8000);
    const u64 s = significand();
    switch (below(16)) {
      case 0: return {0, sign};
      case 1: return {s, sign};                           // pseudo-denormal
      case 2: return {s >> (1 + below(63)), sign};        // denormal
      case 3: return {u64{1} << 63, u16(sign | 0x7FFF)};  // infinity
      case 4: return {s, u16(sign | 0x7FFF)};
      case 5: return {bits() >> below(64), u16(sign | below(0x8000))};  // mostly unsupported
      case 6: return {s, u16(sign | (0x7FFE - below(70)))};
      case 7: return {s, u16(sign | (1 + below(70)))};
      case 8: return {s, u16(sign | below(0x7FFF))};
      case 9: return {s, u16(sign | (0x3FFF + 1023 - below(8)))};  // the ends of double
      case 10: return {s, u16(sign | (0x3FFF - 1022 - 55 + below(60)))};
      case 11: return {s, u16(sign | (0x3FFF - 126 - 26 + below(30)))};  // and of single
      case 12: return {s, u16(sign | (0x3FFF + below(70)))};             // integers
      default: return {s, u16(sign | (0x3FFF - 4 + below(8)))};
    }
  }
  // A finite normal number of magnitude 2^least to 2^(most + 1).
  Float80 normal(int least, int most) {
    const u16 exponent = static_cast<u16>(0x3FFF + least + static_cast<int>(below(static_cast<u32>(most - least + 1))));
    return {significand(), static_cast<u16>((bits() & 0x8000) | exponent)};
  }

  // In the single's or the double's format.
  template <class T>
  T ieee() {
    constexpr unsigned kFraction = sizeof(T) == 8 ? 52 : 23;
    constexpr u32 kTop = sizeof(T) == 8 ? 0x7FF : 0xFF;
    const u64 fraction = significand() << 1 >> (64 - kFraction);
    u64 exponent;
    switch (below(9)) {
      case 0: return static_cast<T>(bits()) & T{1} << (8 * sizeof(T) - 1);
      case 1: exponent = 0; break;
      case 2: exponent = kTop; break;
      case 3: exponent = 1 + below(60); break;
      case 4: exponent = kTop - 1 - below(60); break;
      case 5: exponent = below(kTop); break;
      case 6: exponent = kTop / 2 + below(35); break;
      default: exponent = kTop / 2 - 4 + below(8); break;
    }
    return static_cast<T>((bits() & 1) << (8 * sizeof(T) - 1) | exponent << kFraction | fraction);
  }

  // All exceptions masked in half of the cases; any precision and rounding.
  u16 control() {
    const u16 masks = one_in(2) ? 0x3F : static_cast<u16>(below(64));
    return static_cast<u16>(0x40 | masks | (bits() & 0x0F00));
  }
  u32 mxcsr() {
    const u32 masks = one_in(2) ? 0x1F80 : (below(64) << 7);
    const u32 flushes = one_in(2) ? 0 : static_cast<u32>(bits() & 0x8040);
    return masks | flushes | static_cast<u32>(bits() & 0x6000);
  }

 private:
  std::mt19937_64 random_;
};

}  // namespace penumbra
