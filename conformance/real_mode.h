// A processor in real mode with 16 MiB of memory, as recorded real-mode tests need it.
#pragma once

#include <array>
#include <memory>
#include <span>

#include "conformance/suite.h"

namespace penumbra::conformance {

// In the order of the recorded tests.
enum RealRegister : unsigned {
  kAx,
  kBx,
  kCx,
  kDx,
  kRealCs,
  kRealSs,
  kRealDs,
  kRealEs,
  kSp,
  kBp,
  kSi,
  kDi,
  kIp,
  kFlags,
  kRealRegisters
};
using RealRegisters = std::array<u16, kRealRegisters>;

class RealModeSubject {
 public:
  virtual ~RealModeSubject() = default;
  virtual void write(u32 physical, std::span<const u8> bytes) = 0;
  virtual void read(u32 physical, std::span<u8> bytes) = 0;
  // Runs until HLT, segment bases 16 times the selectors, limits FFFFh; IP ends one past the HLT. False if no HLT came
  // within a million instructions. Port reads give FFh.
  virtual bool run(RealRegisters& registers) = 0;
};

// The engine that `options` ask for; null if it has no real mode (--self-check).
std::unique_ptr<RealModeSubject> real_mode_subject(const Options& options);

}  // namespace penumbra::conformance
