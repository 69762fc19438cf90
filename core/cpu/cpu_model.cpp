// Model data (from Intel's processor identification documents, AP-485) and the CPUID leaves built from it.
#include "core/cpu/cpu_model.h"

#include <array>
#include <cstring>
#include <initializer_list>

#include "core/cpu/cpu_state.h"

namespace penumbra {

namespace {

constexpr u64 set_of(std::initializer_list<Feature> features) {
  u64 bits = 0;
  for (const Feature f : features) bits |= u64{1} << static_cast<unsigned>(f);
  return bits;
}

constexpr u64 k486 = set_of({Feature::base, Feature::cpuid, Feature::vme});
constexpr u64 kPentium =
    k486 | set_of({Feature::tsc, Feature::msr, Feature::cx8, Feature::pse, Feature::de, Feature::apic, Feature::mmx});
constexpr u64 kP2 = kPentium | set_of({Feature::cmov, Feature::fcomi, Feature::sep, Feature::fxsr, Feature::pae,
                                       Feature::pge, Feature::pmc, Feature::mtrr, Feature::pat});
constexpr u64 kP3 = kP2 | set_of({Feature::sse});
constexpr u64 kP4 = kP3 | set_of({Feature::sse2, Feature::clflush});

constexpr std::array kModels = {
    CpuModel{"486", "Intel 486 DX4, which has CPUID and VME", 4, 8, 3, k486, "", 1, 0},
    CpuModel{"pentium", "Intel Pentium with MMX", 5, 4, 3, kPentium, "", 1, 0},
    CpuModel{"p2", "Intel Pentium II", 6, 5, 2, kP2, "", 2, 0},
    CpuModel{"p3", "Intel Pentium III", 6, 8, 6, kP3, "", 2, 0xFFBF},
    CpuModel{"p4", "Intel Pentium 4", 15, 2, 7, kP4, "Intel(R) Pentium(R) 4 CPU (Penumbra)", 2, 0xFFFF},
};

}  // namespace

u32 CpuModel::cpuid_edx(bool apic_enabled) const {
  u32 edx = 1;  // FPU
  const auto add = [&](Feature f, unsigned position) { edx |= u32{has(f)} << position; };
  add(Feature::vme, 1);
  add(Feature::de, 2);
  add(Feature::pse, 3);
  add(Feature::tsc, 4);
  add(Feature::msr, 5);
  add(Feature::pae, 6);
  add(Feature::cx8, 8);
  if (apic_enabled) add(Feature::apic, 9);
  add(Feature::sep, 11);
  add(Feature::mtrr, 12);
  add(Feature::pge, 13);
  add(Feature::cmov, 15);
  add(Feature::pat, 16);
  add(Feature::clflush, 19);
  add(Feature::mmx, 23);
  add(Feature::fxsr, 24);
  add(Feature::sse, 25);
  add(Feature::sse2, 26);
  return edx;
}

u32 CpuModel::cr4_mask() const {
  u32 mask = 0;
  if (has(Feature::vme)) mask |= cr4::VME | cr4::PVI;
  if (has(Feature::de)) mask |= cr4::DE;
  if (has(Feature::tsc)) mask |= cr4::TSD;
  if (has(Feature::pse)) mask |= cr4::PSE;
  if (has(Feature::msr)) mask |= cr4::MCE;
  if (has(Feature::pae)) mask |= cr4::PAE;
  if (has(Feature::pge)) mask |= cr4::PGE;
  if (has(Feature::pmc)) mask |= cr4::PCE;
  if (has(Feature::fxsr)) mask |= cr4::OSFXSR;
  if (has(Feature::sse)) mask |= cr4::OSXMMEXCPT;
  return mask;
}

const CpuModel* cpu_model_named(std::string_view name) {
  for (const CpuModel& model : kModels)
    if (model.name == name) return &model;
  return nullptr;
}

std::string_view cpu_model_names() { return "486, pentium, p2, p3, p4"; }

CpuidResult cpuid(const CpuModel& model, u32 leaf, bool apic_enabled) {
  const bool extended = !model.brand.empty();
  if (leaf >= 0x8000'0000) {
    if (!extended || leaf > 0x8000'0004) leaf = model.highest_leaf;
  } else if (leaf > model.highest_leaf) {
    leaf = model.highest_leaf;
  }
  switch (leaf) {
    case 0: return {model.highest_leaf, 0x756E'6547, 0x6C65'746E, 0x4965'6E69};  // "GenuineIntel"
    case 1: {
      const u32 clflush = model.has(Feature::clflush) ? 8u << 8 : 0;  // in units of 8 bytes
      return {model.signature(), clflush, 0, model.cpuid_edx(apic_enabled)};
    }
    // Cache descriptors: TLBs of 64 and 32 entries, 8 KiB L1 data, 512 KiB L2.
    case 2: return {0x665B'5001, 0, 0, 0x007B'7040};
    case 0x8000'0000: return {0x8000'0004, 0, 0, 0};
    case 0x8000'0001: return {};
    default: {
      std::array<char, 48> text{};
      std::memcpy(text.data(), model.brand.data(), model.brand.size());
      CpuidResult r;
      const char* part = text.data() + (leaf - 0x8000'0002) * 16;
      std::memcpy(&r.eax, part, 4);
      std::memcpy(&r.ebx, part + 4, 4);
      std::memcpy(&r.ecx, part + 8, 4);
      std::memcpy(&r.edx, part + 12, 4);
      return r;
    }
  }
}

}  // namespace penumbra
