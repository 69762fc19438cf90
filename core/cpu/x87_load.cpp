// Loads of the shorter formats: each of their values is exact in an x87 register, so that no host arithmetic is needed.
#include <bit>
#include <cstring>

#include "core/cpu/x87_arithmetic.h"

namespace penumbra::x87 {

namespace {

constexpr int kBias = 0x3FFF;
constexpr u64 kIntegerBit = u64{1} << 63;
constexpr u64 kQuietBit = u64{1} << 62;

template <class T>
T read(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

Float80 make(bool negative, int exponent, u64 significand) {
  return {significand, static_cast<u16>((negative ? 0x8000 : 0) | exponent)};
}

X87Result from_integer(i64 value) {
  if (value == 0) return {};
  const bool negative = value < 0;
  const u64 magnitude = negative ? u64{0} - static_cast<u64>(value) : static_cast<u64>(value);
  const int shift = std::countl_zero(magnitude);
  return {make(negative, kBias + 63 - shift, magnitude << shift), 0};
}

template <class T, int fraction_bits>
X87Result from_real(T bits) {
  constexpr int exponent_bits = 8 * sizeof(T) - 1 - fraction_bits;
  constexpr int top = (1 << exponent_bits) - 1;
  constexpr int bias = top >> 1;
  const bool negative = bits >> (8 * sizeof(T) - 1);
  const int exponent = static_cast<int>(bits >> fraction_bits) & top;
  // Below the integer bit's place.
  const u64 fraction = u64{bits} << (63 - fraction_bits) & ~kIntegerBit;
  if (exponent == top) {
    const bool signalling = fraction != 0 && !(fraction & kQuietBit);
    const u64 quiet = signalling ? kQuietBit : 0;
    return {make(negative, 0x7FFF, kIntegerBit | quiet | fraction), signalling ? x87_bits::IE : u16{0}};
  }
  if (exponent != 0) return {make(negative, kBias + exponent - bias, kIntegerBit | fraction), 0};
  if (fraction == 0) return {make(negative, 0, 0), 0};
  const int shift = std::countl_zero(fraction);
  return {make(negative, kBias + 1 - bias - shift, fraction << shift), x87_bits::DE};
}

}  // namespace

Float80 load_bcd(const void* from) {
  const u8* bytes = static_cast<const u8*>(from);
  // Digits above 9 are undefined; as on processors they count with their place.
  i64 value = 0;
  for (int n = 8; n >= 0; --n) value = value * 100 + (bytes[n] >> 4) * 10 + (bytes[n] & 0x0F);
  Float80 result = from_integer(value).value;
  if (bytes[9] & 0x80) result.sign_exponent |= 0x8000;
  return result;
}

X87Result load(Format format, const void* from) {
  switch (format) {
    case Format::f32: return from_real<u32, 23>(read<u32>(from));
    case Format::f64: return from_real<u64, 52>(read<u64>(from));
    case Format::i16: return from_integer(read<i16>(from));
    case Format::i32: return from_integer(read<i32>(from));
    case Format::i64: return from_integer(read<i64>(from));
    case Format::f80: break;
    case Format::bcd: return {load_bcd(from), 0};
  }
  return {{read<u64>(from), read<u16>(static_cast<const u8*>(from) + 8)}, 0};
}

}  // namespace penumbra::x87
