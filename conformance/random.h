// A small, fast, seedable generator: the same seed gives the same cases on every host.
#pragma once

#include <array>
#include <string_view>

#include "core/base/types.h"

namespace penumbra::conformance {

class Random {
 public:
  explicit Random(u64 seed) : state_(seed) {}

  // Steele, Lea and Flood's SplitMix64.
  u64 next() {
    u64 z = state_ += 0x9E37'79B9'7F4A'7C15;
    z = (z ^ z >> 30) * 0xBF58'476D'1CE4'E5B9;
    z = (z ^ z >> 27) * 0x94D0'49BB'1331'11EB;
    return z ^ z >> 31;
  }
  u32 u32_value() { return static_cast<u32>(next() >> 32); }
  // 0 to n - 1.
  u32 below(u32 n) { return static_cast<u32>((next() >> 32) * u64{n} >> 32); }
  // True once in n times.
  bool one_in(u32 n) { return below(n) == 0; }
  bool percent(u32 n) { return below(100) < n; }
  template <class T, size_t N>
  const T& pick(const std::array<T, N>& from) {
    return from[below(N)];
  }

 private:
  u64 state_;
};

// A seed that depends on a name, so that each row has states of its own whatever else runs.
inline u64 seed_for(u64 seed, std::string_view name, u64 number) {
  u64 hash = 0xCBF2'9CE4'8422'2325 ^ seed;
  for (const char c : name) hash = (hash ^ static_cast<u8>(c)) * 0x100'0000'01B3;
  // Mixed, or neighbouring numbers would give the same sequence a step apart.
  return Random(hash ^ Random(number).next()).next();
}

}  // namespace penumbra::conformance
