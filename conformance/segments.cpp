// Lookups in the table of local segments, and its descriptors as the CPU reads them.
#include "conformance/segments.h"

namespace penumbra::conformance {
namespace {

const LocalSegment* local_segment(u16 selector) {
  const unsigned index = selector >> 3;
  return (selector & 7) == 7 && index < kLdtCount ? &kLocalSegments[index] : nullptr;
}

}  // namespace

std::optional<u32> segment_base(u16 selector) {
  if (selector == kFlatCode || selector == kFlatData) return 0;
  if (const LocalSegment* segment = local_segment(selector)) return segment->base;
  return std::nullopt;
}

bool segment_big(u16 selector) {
  const LocalSegment* segment = local_segment(selector);
  return !segment || segment->big;
}

u64 descriptor_bytes(const LocalSegment& s) {
  // SDM 3A 3.4.5: access byte P DPL S type, flags G D/B.
  const u64 type = (s.kind == SegmentKind::code          ? 8
                    : s.kind == SegmentKind::expand_down ? 4
                                                         : 0) |
                   (s.writable_or_readable ? 2 : 0) | 1;
  const u64 access = type | 0x10 | 3 << 5 | (s.present ? 0x80 : 0);
  const u64 flags = (s.pages ? 8 : 0) | (s.big ? 4 : 0) | 1;  // AVL set, as Linux hands it to LAR
  return (s.limit & 0xFFFF) | u64{s.base & 0xFF'FFFF} << 16 | access << 40 | u64{s.limit >> 16 & 0xF} << 48 |
         flags << 52 | u64{s.base >> 24} << 56;
}

}  // namespace penumbra::conformance
