// The processor models as data: what CPUID answers, which features exist, and which CR4 bits may be set.
#pragma once

#include <string_view>

#include "core/base/types.h"

namespace penumbra {

// An instruction row needs one of these; a model has some.
enum class Feature : u8 {
  base,  // every model, a 486 upwards
  cpuid,
  tsc,
  msr,
  cx8,
  cmov,
  fcomi,
  sep,
  mmx,
  fxsr,
  sse,
  sse2,
  pmc,
  pse,
  pae,
  pge,
  vme,
  de,
  apic,
  mtrr,
  pat,
  clflush,
  ud,  // no model: always #UD
  count,
};

struct CpuModel {
  std::string_view name;
  std::string_view description;
  u32 family = 0, model = 0, stepping = 0;
  u64 features = 0;        // a bit for each Feature
  std::string_view brand;  // CPUID 80000002h-4h; empty: no extended leaves
  u32 highest_leaf = 1;
  u32 mxcsr_mask = 0xFFBF;

  bool has(Feature f) const { return features >> static_cast<unsigned>(f) & 1; }
  u32 signature() const { return family << 8 | model << 4 | stepping; }
  u32 cpuid_edx(bool apic_enabled) const;
  u32 cr4_mask() const;
  u32 physical_bits() const { return has(Feature::pae) ? 36 : 32; }
};

// Null if there is no model of that name.
const CpuModel* cpu_model_named(std::string_view name);
// "486, pentium, ..." for messages.
std::string_view cpu_model_names();

struct CpuidResult {
  u32 eax = 0, ebx = 0, ecx = 0, edx = 0;
};
CpuidResult cpuid(const CpuModel& model, u32 leaf, bool apic_enabled);

}  // namespace penumbra
