// The registers that the models have; memory types and performance counters are kept without effect.
#include "core/cpu/msr.h"

namespace penumbra {

namespace {

// The slot of an MTRR in CpuState::mtrr, or -1.
int mtrr_slot(u32 number) {
  if (number >= 0x200 && number <= 0x20F) return static_cast<int>(number - 0x200);
  if (number == 0x250) return 16;
  if (number == 0x258 || number == 0x259) return static_cast<int>(number - 0x258 + 17);
  if (number >= 0x268 && number <= 0x26F) return static_cast<int>(number - 0x268 + 19);
  if (number == 0x2FF) return 27;
  return -1;
}

void need(const Cpu& cpu, Feature feature) {
  if (!cpu.model().has(feature)) raise_gp();
}

}  // namespace

u64 read_msr(Cpu& cpu, u32 number) {
  if (const int slot = mtrr_slot(number); slot >= 0) {
    need(cpu, Feature::mtrr);
    return cpu.mtrr[static_cast<unsigned>(slot)];
  }
  switch (number) {
    case 0x00:  // P5_MC_ADDR, P5_MC_TYPE
    case 0x01: return 0;
    case 0x10: return cpu.time_stamp();
    case 0x17: return 0;  // platform id
    case 0x1B: need(cpu, Feature::apic); return cpu.apic_base;
    case 0x2A: return 0;             // EBL_CR_POWERON
    case 0x8B: return u64{1} << 32;  // microcode revision, in the upper half
    case 0xC1:
    case 0xC2:
    case 0x186:
    case 0x187: need(cpu, Feature::pmc); return 0;
    case 0xFE: need(cpu, Feature::mtrr); return 0x508;  // 8 variable ranges, fixed ranges, write combining
    case 0x11E: return 0;
    case 0x174: need(cpu, Feature::sep); return cpu.sysenter_cs;
    case 0x175: need(cpu, Feature::sep); return cpu.sysenter_esp;
    case 0x176: need(cpu, Feature::sep); return cpu.sysenter_eip;
    case 0x179: return 0;  // no machine check banks
    case 0x17A: return 0;
    case 0x1A0: return cpu.misc_enable;
    case 0x1D9: return cpu.debug_control;
    case 0x1DB:
    case 0x1DC:
    case 0x1DD:
    case 0x1DE: return 0;  // last branch records
    case 0x277: need(cpu, Feature::pat); return cpu.pat;
    case 0xC000'0080: need(cpu, Feature::pae); return cpu.efer;
    default: raise_gp();
  }
}

void write_msr(Cpu& cpu, u32 number, u64 value) {
  if (const int slot = mtrr_slot(number); slot >= 0) {
    need(cpu, Feature::mtrr);
    cpu.mtrr[static_cast<unsigned>(slot)] = value;
    return;
  }
  switch (number) {
    case 0x00:
    case 0x01:
    case 0x17:
    case 0x2A:
    case 0x79:  // microcode update trigger
    case 0x8B:
    case 0xC1:
    case 0xC2:
    case 0x11E:
    case 0x17A:
    case 0x186:
    case 0x187: return;
    case 0x10: cpu.tsc_offset += static_cast<i64>(value - cpu.time_stamp()); return;
    case 0x1B:
      need(cpu, Feature::apic);
      if (cpu.apic() && !cpu.apic()->set_apic_base(value)) raise_gp();
      cpu.apic_base = value;
      return;
    case 0x174:
      need(cpu, Feature::sep);
      cpu.sysenter_cs = static_cast<u32>(value);
      return;
    case 0x175:
      need(cpu, Feature::sep);
      cpu.sysenter_esp = static_cast<u32>(value);
      return;
    case 0x176:
      need(cpu, Feature::sep);
      cpu.sysenter_eip = static_cast<u32>(value);
      return;
    case 0x1A0: cpu.misc_enable = value; return;
    case 0x1D9: cpu.debug_control = value & 0x3F; return;
    case 0x277: {
      need(cpu, Feature::pat);
      for (unsigned n = 0; n < 64; n += 8) {
        const u64 type = value >> n & 0xFF;
        if (type > 7 || type == 2 || type == 3) raise_gp();
      }
      cpu.pat = value;
      return;
    }
    case 0xC000'0080:
      need(cpu, Feature::pae);
      if (value & ~efer::NXE) raise_gp();
      cpu.efer = value;
      cpu.flush_tlb();
      return;
    default: raise_gp();
  }
}

}  // namespace penumbra
