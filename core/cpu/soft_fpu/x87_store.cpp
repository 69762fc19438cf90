// The portable x87's stores in the shorter formats, and its constants (SDM 2, FST, FIST, FBSTP, FLD1 and its kin).
#include "core/base/bits.h"
#include "core/cpu/soft_fpu/x87_number.h"

namespace penumbra::x87::portable {

using namespace x87_bits;

namespace {

template <class T>
u16 store_real(const Number& n, void* to, u16 control) {
  constexpr Target target = sizeof(T) == 4 ? soft_float::kSingle : soft_float::kDouble;
  const auto put = [&](u64 bits) { penumbra::store<T>(to, static_cast<T>(bits)); };
  const bool raises = n.kind == Kind::unsupported || n.kind == Kind::signalling_nan;
  if (raises && !(control & IE)) return IE;
  if (n.is_nan() || n.kind == Kind::unsupported) {
    const u64 infinite = encode({.kind = Kind::infinity, .negative = n.negative || !n.is_nan()}, target);
    const u64 significand = n.is_nan() ? n.significand | kQuietBit : kQuietBit;
    put(infinite | significand << 1 >> (65 - target.precision));
    return raises ? IE : 0;
  }
  if (n.kind != Kind::finite) {
    put(encode({.kind = n.kind, .negative = n.negative}, target));
    return 0;
  }
  const Rounded r = round(exactly(n), target, rounding_of(control), {control, 0});
  // There is no register to hold a result with its exponent adjusted.
  if (r.flags & ~control & (OE | UE)) return r.flags & (OE | UE);
  put(encode(r, target));
  return static_cast<u16>(r.flags | (r.up ? C1 : 0));
}

// The rounded integer, if its magnitude is at most `most` (one more if negative: two's complement).
bool to_integer(const Number& n, u64 most, unsigned more_if_negative, u16 control, u64& whole, u16& status) {
  if (n.kind != Kind::zero && (n.kind != Kind::finite || n.exponent > 63)) return false;
  bool inexact, up;
  whole = round_to_integer(n, rounding_of(control), inexact, up);
  // Rounding up may have wrapped, from 2^64 - 1 to 0.
  if ((up && whole == 0) || whole > most + (n.negative ? more_if_negative : 0)) return false;
  status = static_cast<u16>((inexact ? PE : 0) | (up ? C1 : 0));
  return true;
}

template <class T>
u16 store_integer(const Number& n, void* to, u16 control) {
  constexpr u64 most = (u64{1} << (8 * sizeof(T) - 1)) - 1;
  u64 whole;
  u16 status;
  if (to_integer(n, most, 1, control, whole, status)) {
    penumbra::store<T>(to, static_cast<T>(n.negative ? u64{0} - whole : whole));
    return status;
  }
  if (control & IE) penumbra::store<T>(to, static_cast<T>(most + 1));
  return IE;
}

u16 store_bcd(const Number& n, void* to, u16 control) {
  constexpr u64 kMost = 999'999'999'999'999'999;
  u8* bytes = static_cast<u8*>(to);
  u64 whole;
  u16 status;
  if (to_integer(n, kMost, 0, control, whole, status)) {
    for (int digit = 0; digit < 9; ++digit, whole /= 100)
      bytes[digit] = static_cast<u8>(whole % 10 | whole / 10 % 10 << 4);
    bytes[9] = n.negative ? 0x80 : 0;
    return status;
  }
  if (control & IE) {
    std::memset(bytes, 0, 7);
    bytes[7] = 0xC0;
    bytes[8] = bytes[9] = 0xFF;
  }
  return IE;
}

// FLDL2T, FLDL2E, FLDPI, FLDLG2, FLDLN2: 64 bits, and the next 64.
constexpr struct {
  int exponent;
  u64 significand, below;
} kConstants[] = {
    {1, 0xD49A784BCD1B8AFE, 0x492BF6FF4DAFDB4C},   // log2(10)
    {0, 0xB8AA3B295C17F0BB, 0xBE87FED0691D3E88},   // log2(e)
    {1, 0xC90FDAA22168C234, 0xC4C6628B80DC1CD1},   // pi
    {-2, 0x9A209A84FBCFF798, 0x8F8959AC0B7C9178},  // log10(2)
    {-1, 0xB17217F7D1CF79AB, 0xC9E3B39803F2F6AF},  // ln(2)
};

}  // namespace

u16 store(Format format, Float80 a, void* to, u16 control) {
  const Number n = unpack(a);
  switch (format) {
    case Format::f32: return store_real<u32>(n, to, control);
    case Format::f64: return store_real<u64>(n, to, control);
    case Format::i16: return store_integer<u16>(n, to, control);
    case Format::i32: return store_integer<u32>(n, to, control);
    case Format::i64: return store_integer<u64>(n, to, control);
    case Format::bcd: return store_bcd(n, to, control);
    case Format::f80: break;
  }
  penumbra::store<u64>(to, a.significand);
  penumbra::store<u16>(static_cast<u8*>(to) + 8, a.sign_exponent);
  return 0;
}

Float80 constant(unsigned number, u16 control) {
  if (number == 0) return pack(one());
  if (number > 5) return {};
  const auto& c = kConstants[number - 1];
  const Exact x{false, c.exponent, soft_float::u128{c.significand} << 64 | c.below};
  return pack(round(x, soft_float::kExtended, rounding_of(control)));
}

}  // namespace penumbra::x87::portable
