// The weights.
#include "conformance/values.h"

#include "core/base/bits.h"

namespace penumbra::conformance {
namespace {

constexpr std::array<u32, 24> kEdges{0,    1,      2,      0xFFFFFFFF, 0x80000000, 0x7FFFFFFF, 0x80,       0x7F,
                                     0xFF, 0x8000, 0x7FFF, 0xFFFF,     0xFFFFFF80, 0xFFFF8000, 0x80000001, 0xFFFFFFFE,
                                     31,   32,     33,     15,         16,         7,          8,          0x01010101};

// A significand of `width` bits with few or many ones, or at an edge.
u64 edge_fraction(Random& random, unsigned width) {
  const u64 mask = (u64{2} << (width - 1)) - 1;
  switch (random.below(8)) {
    case 0: return 0;
    case 1: return mask;
    case 2: return 1;
    case 3: return u64{1} << random.below(width);
    case 4: return mask & ~(u64{1} << random.below(width));
    case 5: return mask & (~u64{0} << random.below(width));
    default: return random.next() & mask;
  }
}

struct IeeeShape {
  unsigned exponent_bits;
  unsigned fraction_bits;
};

u64 edge_ieee(Random& random, IeeeShape shape) {
  const u64 top = (u64{1} << shape.exponent_bits) - 1;
  const u64 bias = top >> 1;
  u64 exponent = 0;
  u64 fraction = edge_fraction(random, shape.fraction_bits);
  switch (random.below(16)) {
    case 0: exponent = 0, fraction = 0; break;
    case 1: exponent = 0; break;                          // denormal, or zero
    case 2: exponent = top, fraction = 0; break;          // infinity
    case 3: exponent = top; break;                        // NaNs of both kinds
    case 4: exponent = 1 + random.below(3); break;        // results go denormal
    case 5: exponent = top - 1 - random.below(3); break;  // results overflow
    case 6: exponent = bias, fraction = 0; break;         // one
    case 7: exponent = random.next() & top; break;
    case 8: exponent = bias + 15 + random.below(52); break;  // around the limits of integers
    case 9: exponent = bias - random.below(u32(shape.fraction_bits)); break;
    default: exponent = bias - 4 + random.below(9); break;
  }
  const u64 sign = random.below(2);
  return sign << (shape.exponent_bits + shape.fraction_bits) | (exponent & top) << shape.fraction_bits | fraction;
}

}  // namespace

u32 edge_u32(Random& random) {
  switch (random.below(8)) {
    case 0:
    case 1:
    case 2: return random.pick(kEdges);
    case 3: return random.below(64);
    case 4: return static_cast<u32>(static_cast<i8>(random.next()));
    case 5: return u32{1} << random.below(32);
    default: return random.u32_value();
  }
}

u32 edge_single(Random& random) { return static_cast<u32>(edge_ieee(random, {8, 23})); }
u64 edge_double(Random& random) { return edge_ieee(random, {11, 52}); }

void edge_extended(Random& random, u8* to) {
  constexpr u64 kInteger = u64{1} << 63;
  constexpr u32 kBias = 16383;
  u64 significand = kInteger | edge_fraction(random, 63);
  u32 exponent = kBias;
  switch (random.below(20)) {
    case 0: exponent = 0, significand = 0; break;
    case 1: exponent = 0, significand &= ~kInteger; break;                         // denormal
    case 2: exponent = 0; break;                                                   // pseudo-denormal
    case 3: exponent = 0x7FFF, significand = kInteger; break;                      // infinity
    case 4: exponent = 0x7FFF; break;                                              // NaNs
    case 5: exponent = 0x7FFF, significand |= kInteger >> 1; break;                // quiet NaNs
    case 6: exponent = 0x7FFF, significand &= ~kInteger; break;                    // pseudo-NaN, pseudo-infinity
    case 7: exponent = 1 + random.below(0x7FFE), significand &= ~kInteger; break;  // unnormal
    case 8: exponent = 1 + random.below(66); break;
    case 9: exponent = 0x7FFE - random.below(66); break;
    case 10: exponent = random.below(0x8000); break;
    case 11: exponent = kBias + random.below(70); break;  // integers and halves
    case 12: exponent = kBias + random.below(70), significand = kInteger | edge_fraction(random, 63) << 40; break;
    case 13: exponent = kBias - random.below(70); break;
    case 14: exponent = kBias, significand = kInteger; break;
    case 15: exponent = kBias - 1023 - 55 + random.below(60); break;  // a double's denormals
    case 16: exponent = kBias - 127 - 26 + random.below(30); break;   // a single's
    default: exponent = kBias - 5 + random.below(11); break;
  }
  store<u64>(to, significand);
  store<u16>(to + 8, static_cast<u16>((exponent & 0x7FFF) | random.below(2) << 15));
}

void edge_decimal(Random& random, u8* to) {
  const bool broken = random.one_in(8);
  const u32 digits = random.below(19);
  for (u32 i = 0; i < 9; ++i) {
    const u32 low = 2 * i < digits ? random.below(broken ? 16 : 10) : 0;
    const u32 high = 2 * i + 1 < digits ? random.below(broken ? 16 : 10) : 0;
    to[i] = static_cast<u8>(low | high << 4);
  }
  to[9] = static_cast<u8>(random.one_in(8) ? random.next() : random.below(2) << 7);
}

void fill(Random& random, Format format, std::span<u8> to) {
  size_t at = 0;
  const auto room = [&](size_t bytes) { return at + bytes <= to.size(); };
  switch (format) {
    case Format::single:
      for (; room(4); at += 4) store<u32>(&to[at], edge_single(random));
      break;
    case Format::real:
      for (; room(8); at += 8) store<u64>(&to[at], edge_double(random));
      break;
    case Format::extended:
      if (room(10)) edge_extended(random, &to[at]), at += 10;
      break;
    case Format::decimal:
      if (room(10)) edge_decimal(random, &to[at]), at += 10;
      break;
    case Format::integers: break;
  }
  for (; room(4); at += 4) store<u32>(&to[at], random.one_in(3) ? edge_u32(random) : random.u32_value());
  for (; room(1); ++at) to[at] = static_cast<u8>(random.next());
}

}  // namespace penumbra::conformance
