// The segment descriptors that user-mode cases may load: two flat ones that every 64-bit Linux has in its GDT, and a
// local descriptor table that is the same for all subjects.
#pragma once

#include <array>
#include <optional>
#include <string>

#include "conformance/arena.h"

namespace penumbra::conformance {

inline constexpr u16 kFlatCode = 0x23;
inline constexpr u16 kFlatData = 0x2B;

enum class SegmentKind : u8 { data, expand_down, code };

struct LocalSegment {
  u32 base;
  u32 limit;  // as in the descriptor: in pages if `pages`
  SegmentKind kind;
  bool writable_or_readable;
  bool big;  // D/B: 32-bit
  bool pages;
  bool present;
};

enum LocalIndex : u16 {
  kLdtFlatData,
  kLdtBoundedData,
  kLdtReadOnly,
  kLdtExpandDown32,
  kLdtExpandDown16,
  kLdtStack16,
  kLdtCodeFlat,
  kLdtCodeExecuteOnly,
  kLdtCode16,
  kLdtCodeBounded,
  kLdtNotPresent,
  kLdtUnaligned,
  kLdtWindow16,
  kLdtPaged,
  kLdtCodeNotPresent,
  kLdtCount
};

// The accessed bit is set in all of them, as Linux does.
inline constexpr std::array<LocalSegment, kLdtCount> kLocalSegments{{
    {0, 0xFFFFF, SegmentKind::data, true, true, true, true},                      // kLdtFlatData
    {kDataBase, kDataWritable - 1, SegmentKind::data, true, true, false, true},   // kLdtBoundedData
    {kDataBase, kDataBytes - 1, SegmentKind::data, false, true, false, true},     // kLdtReadOnly
    {kDataBase, 0x0FFF, SegmentKind::expand_down, true, true, false, true},       // kLdtExpandDown32
    {kDataBase, 0x0FFF, SegmentKind::expand_down, true, false, false, true},      // kLdtExpandDown16
    {kDataBase, kDataWritable - 1, SegmentKind::data, true, false, false, true},  // kLdtStack16
    {0, 0xFFFFF, SegmentKind::code, true, true, true, true},                      // kLdtCodeFlat
    {0, 0xFFFFF, SegmentKind::code, false, true, true, true},                     // kLdtCodeExecuteOnly
    {kCodeBase, kCodeBytes - 1, SegmentKind::code, true, false, false, true},     // kLdtCode16
    {kCodeBase, 0x10FF, SegmentKind::code, true, true, false, true},              // kLdtCodeBounded
    {kDataBase, kDataWritable - 1, SegmentKind::data, true, true, false, false},  // kLdtNotPresent
    {kDataBase + 3, 0xFFFF, SegmentKind::data, true, true, false, true},          // kLdtUnaligned
    {kDataBase - 0x4000, 0xFFFF, SegmentKind::data, true, true, false, true},     // kLdtWindow16
    {kDataBase, 1, SegmentKind::data, true, true, true, true},                    // kLdtPaged
    {0, 0xFFFFF, SegmentKind::code, true, true, true, false},                     // kLdtCodeNotPresent
}};

constexpr u16 local_selector(LocalIndex index) { return static_cast<u16>(index << 3 | 7); }

// The base of a selector of the table above or of a flat one; none for any other.
std::optional<u32> segment_base(u16 selector);
// Whether its D/B bit is set; flat and unknown ones are big.
bool segment_big(u16 selector);
// A descriptor's eight bytes, DPL 3.
u64 descriptor_bytes(const LocalSegment& segment);

}  // namespace penumbra::conformance
