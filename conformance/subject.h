// What runs a short user-mode instruction sequence: the host CPU, or one of Penumbra's engines.
#pragma once

#include <array>
#include <span>

#include "conformance/arena.h"
#include "core/base/bits.h"

namespace penumbra::conformance {

// Segment registers in their encoding's order.
enum : unsigned { kEs, kCs, kSs, kDs, kFs, kGs };
// General registers in theirs.
enum : unsigned { kEax, kEcx, kEdx, kEbx, kEsp, kEbp, kEsi, kEdi };

// User-visible CPU state. `fx` is an FXSAVE image in its 32-bit form (SDM 1, table 10-2).
struct UserState {
  std::array<u32, 8> gpr{};
  u32 eip = 0;
  u32 eflags = 0x202;
  std::array<u16, 6> selector{};
  alignas(16) std::array<u8, 512> fx{};
};

// Offsets in the FXSAVE image.
enum : unsigned {
  kFxControl = 0,
  kFxStatus = 2,
  kFxTags = 4,
  kFxOpcode = 6,
  kFxPointers = 8,  // FIP, FCS, FDP, FDS: 16 bytes
  kFxMxcsr = 24,
  kFxMxcsrMask = 28,
  kFxStack = 32,  // eight registers from ST(0), 16 bytes each
  kFxXmm = 160,   // eight registers, 16 bytes each
  kFxXmmEnd = 288,
};

// How the sequence ends: by falling through to the byte after it, or wherever a branch may lead.
enum class Ending : u8 { straight, anywhere };

struct Outcome {
  static constexpr u8 kFinished = 0xFF;

  u8 vector = kFinished;  // the exception, or kFinished when a terminator was reached
  u32 error_code = 0;     // zero for exceptions without one
  u32 cr2 = 0;            // for #PF only
  UserState state;        // at the terminator or at the exception
};

class Subject {
 public:
  virtual ~Subject() = default;
  // Runs `code`, placed at the linear address `code_at` inside of the code pages, from `in` (whose EIP names it through
  // CS) until a terminator or an exception. `arena` is memory before and after. The segment descriptors are those of
  // segments.h.
  virtual Outcome run(const UserState& in, std::span<const u8> code, u32 code_at, Ending ending, Arena& arena) = 0;
};

}  // namespace penumbra::conformance
