// The host bridge's registers and what PAM does.
#include "devices/i440fx.h"

#include <algorithm>

#include "core/base/bits.h"
#include "mmu/guest_memory.h"

namespace penumbra {

namespace {

constexpr u8 kDramRowBoundary = 0x60;  // DRB[0:7], in units of 8 MiB, each row's end
constexpr u8 kPam = 0x59;              // PAM[6:0] up to 5Fh
constexpr u8 kSmram = 0x72;
constexpr u8 kSmramWritable = 0x78;
constexpr u8 kSmramLock = 1 << 4;  // D_LCK
constexpr u8 kSmramOpen = 1 << 6;  // D_OPEN

struct PamRange {
  u32 first;
  u32 bytes;
};

// The range that half `half` (0: bits 3-0, 1: bits 7-4) of PAM register `index` rules; PAM0's low half rules none.
PamRange pam_range(unsigned index, unsigned half) {
  if (index == 0) return half ? PamRange{0xF0000, 0x10000} : PamRange{0, 0};
  return {0xC0000 + (index - 1) * 0x8000 + half * 0x4000, 0x4000};
}

}  // namespace

I440fx::I440fx(GuestMemory& memory, Trace& trace)
    : PciFunction({.vendor = 0x8086, .device = 0x1237, .class_code = 0x060000, .revision = 2}),
      memory_(memory),
      trace_(trace) {
  declare(kCommand, Width::word, 0x0006, 0x0140);
  declare(kStatus, Width::word, 0x0280, 0, 0xF900);
  declare(0x0D, Width::byte, 0, 0xF8);         // latency timer
  declare(0x50, Width::word, 0x0000, 0xFF74);  // PMCCFG
  declare(0x52, Width::byte, 0x00, 0x40);      // DETURBO
  declare(0x53, Width::byte, 0x80, 0xCF);      // DBC
  declare(0x54, Width::byte, 0x00, 0x86);      // AXC
  declare(0x55, Width::word, 0x0000, 0xFFFF);  // DRT
  declare(0x57, Width::byte, 0x01, 0xEF);      // DRAMC
  declare(0x58, Width::byte, 0x10, 0xFF);      // DRAMT
  for (u8 i = 0; i < 7; ++i) declare(static_cast<u8>(kPam + i), Width::byte, 0, i ? 0x33 : 0x30);
  // Firmware that sizes RAM by probing rows would find what is written here already; eight rows of 128 MiB at most.
  const u64 units = memory.ram_bytes() >> 23;
  for (u8 row = 0; row < 8; ++row)
    declare(static_cast<u8>(kDramRowBoundary + row), Width::byte,
            static_cast<u32>(std::min<u64>(units, (row + 1) * 16u)), 0xFF);
  declare(0x68, Width::byte, 0x00, 0xC0);              // FDHC
  declare(0x70, Width::byte, 0x20, 0xF8);              // MTT
  declare(0x71, Width::byte, 0x10, 0x7F);              // CLT
  declare(kSmram, Width::byte, 0x02, kSmramWritable);  // C_BASE_SEG is fixed at A0000h
  declare(0x90, Width::byte, 0x00, 0x3B);              // ERRCMD
  declare(0x91, Width::byte, 0x00, 0, 0x11);           // ERRSTS
  declare(0x93, Width::byte, 0x00, 0x0E);              // TRC
}

void I440fx::reset(Reset) {
  reset_pci();
  lock_smram();
  apply_pam();
}

void I440fx::visit(State& state) {
  StateSection section(state, "i440fx");
  visit_pci(state);
  if (!state.loading()) return;
  lock_smram();
  apply_pam();
}

void I440fx::config_written(u8 first, u8 last) {
  if (first <= kPam + 6 && last >= kPam) apply_pam();
  if (first <= kSmram && last >= kSmram) lock_smram();
}

// D_LCK clears D_OPEN and makes the register read-only until the next reset (section 3.2.19).
void I440fx::lock_smram() {
  const u8 value = config_byte(kSmram);
  const bool locked = value & kSmramLock;
  if (locked) set_config(kSmram, Width::byte, value & ~kSmramOpen);
  set_writable(kSmram, Width::byte, locked ? 0 : kSmramWritable);
}

void I440fx::apply_pam() {
  for (unsigned index = 0; index < applied_pam_.size(); ++index) {
    const u8 value = config_byte(static_cast<u8>(kPam + index));
    const u8 changed = value ^ applied_pam_[index];
    applied_pam_[index] = value;
    for (unsigned half = 0; half < 2; ++half) {
      const PamRange range = pam_range(index, half);
      if (!range.bytes || !(changed >> 4 * half & 3)) continue;
      const bool read = bit(value, 4 * half);
      const bool write = bit(value, 4 * half + 1);
      trace_.line(Channel::pci, "PAM {:05x}+{:x}: reads {}, writes {}", range.first, range.bytes, read ? "RAM" : "PCI",
                  write ? "RAM" : "PCI");
      memory_.set_shadow_ram(PhysAddr(range.first), range.bytes, read, write);
    }
  }
}

}  // namespace penumbra
