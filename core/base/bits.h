// Bit fields by position, and loads and stores of unaligned little-endian numbers.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

#include "core/base/types.h"

namespace penumbra {

template <class T>
constexpr bool bit(T value, unsigned position) {
  return (value >> position) & 1;
}

// Bits high..low of value, inclusive, moved down to bit 0.
template <class T>
constexpr T bits(T value, unsigned high, unsigned low) {
  const T width_mask = static_cast<T>((T{2} << (high - low)) - 1);
  return static_cast<T>((value >> low) & width_mask);
}

template <class T>
constexpr T with_bit(T value, unsigned position, bool on) {
  const T mask = static_cast<T>(T{1} << position);
  return static_cast<T>(on ? value | mask : value & ~mask);
}

static_assert(std::endian::native == std::endian::little, "guest memory is accessed as the host's own numbers");

template <class T>
T load(const void* from) {
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
void store(void* to, T value) {
  std::memcpy(to, &value, sizeof value);
}

template <class E>
requires std::is_enum_v<E>
constexpr auto number(E e) { return static_cast<std::underlying_type_t<E>>(e); }

}  // namespace penumbra
