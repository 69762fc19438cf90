// The integer types of the machine: short names for fixed widths, and numbers that do not convert into each other.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace penumbra {

using u8 = std::uint8_t;
using u16 = std::uint16_t;
using u32 = std::uint32_t;
using u64 = std::uint64_t;
using i8 = std::int8_t;
using i16 = std::int16_t;
using i32 = std::int32_t;
using i64 = std::int64_t;

// A number with a meaning: two kinds never mix without saying so through `value`.
template <class Tag, class Rep>
struct Strong {
  Rep value{};

  constexpr Strong() = default;
  constexpr explicit Strong(Rep v) : value(v) {}

  constexpr auto operator<=>(const Strong&) const = default;
  constexpr Strong operator+(Rep n) const { return Strong(static_cast<Rep>(value + n)); }
  constexpr Strong operator-(Rep n) const { return Strong(static_cast<Rep>(value - n)); }
  constexpr Rep operator-(Strong other) const { return static_cast<Rep>(value - other.value); }
  constexpr Strong& operator+=(Rep n) { return *this = *this + n; }
};

// A linear address: after segmentation, before paging.
using LinearAddr = Strong<struct LinearAddrTag, u32>;
// A guest-physical address; 36 bits with PAE.
using PhysAddr = Strong<struct PhysAddrTag, u64>;
// A guest-physical page number, ESX's PPN.
using Ppn = Strong<struct PpnTag, u32>;
// A machine page number, ESX's MPN: where the page really is in machine memory.
using Mpn = Strong<struct MpnTag, u32>;
// Nanoseconds of guest time.
using Ticks = Strong<struct TicksTag, i64>;

inline constexpr u32 kPageShift = 12;
inline constexpr u32 kPageSize = 1u << kPageShift;
inline constexpr u32 kPageMask = kPageSize - 1;

constexpr Ppn page_of(PhysAddr a) { return Ppn(static_cast<u32>(a.value >> kPageShift)); }
constexpr PhysAddr base_of(Ppn p) { return PhysAddr(u64{p.value} << kPageShift); }

constexpr Ticks nanoseconds(i64 n) { return Ticks(n); }
constexpr Ticks microseconds(i64 n) { return Ticks(n * 1'000); }
constexpr Ticks milliseconds(i64 n) { return Ticks(n * 1'000'000); }
constexpr Ticks seconds(i64 n) { return Ticks(n * 1'000'000'000); }
// A moment that never comes.
inline constexpr Ticks kNever{INT64_MAX};

}  // namespace penumbra

template <class Tag, class Rep>
struct std::hash<penumbra::Strong<Tag, Rep>> {
  std::size_t operator()(penumbra::Strong<Tag, Rep> s) const noexcept { return std::hash<Rep>{}(s.value); }
};
