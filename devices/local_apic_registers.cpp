// The registers of the local APIC: dwords at multiples of 16. Source: SDM 3A table 10-1.
#include "core/base/bits.h"
#include "devices/local_apic.h"

namespace penumbra {

namespace {

// Register numbers: offset / 16 (table 10-1).
enum Register : unsigned {
  kId = 0x02,
  kVersionRegister = 0x03,
  kTpr = 0x08,
  kApr = 0x09,
  kPpr = 0x0A,
  kEoi = 0x0B,
  kRrd = 0x0C,
  kLdr = 0x0D,
  kDfr = 0x0E,
  kSvr = 0x0F,
  kIsr = 0x10,
  kTmr = 0x18,
  kIrr = 0x20,
  kEsr = 0x28,
  kIcrLow = 0x30,
  kIcrHigh = 0x31,
  kLvt = 0x32,  // in the order of LvtIndex
  kInitialCount = 0x38,
  kCurrentCount = 0x39,
  kDivide = 0x3E,
};

constexpr u32 kVersion = 0x0005'0014;  // six LVT entries, integrated APIC (10.4.8)
constexpr u32 kSpuriousBits = 0x3FF;
// LVT entries
constexpr u32 kLvtLevel = 1 << 15;
constexpr u32 kLvtRemoteIrr = 1 << 14;
constexpr u32 kLvtMasked = 1 << 16;
constexpr std::array<u32, 6> kLvtBits = {0x300FF, 0x107FF, 0x107FF, 0x1A7FF, 0x1A7FF, 0x100FF};
// ICR
constexpr u32 kCommandBits = 0x000C'CFFF;
// ESR
constexpr u32 kSendIllegalVector = 1 << 5;
constexpr u32 kIllegalRegister = 1 << 7;

constexpr u8 kFirstLegalVector = 16;

}  // namespace

u32 LocalApic::mmio_read(PhysAddr address, Width) {
  const u32 offset = static_cast<u32>(address.value & kPageMask);
  if ((offset & 15) >= 4) return 0;
  return read_register(offset / 16) >> 8 * (offset & 3);
}

// Only whole aligned dwords have a defined meaning (10.4.1).
void LocalApic::mmio_write(PhysAddr address, Width width, u32 value) {
  const u32 offset = static_cast<u32>(address.value & kPageMask);
  if ((offset & 15) == 0 && width == Width::dword) write_register(offset / 16, value);
}

u32 LocalApic::read_register(unsigned index) {
  if (index >= kIsr && index < kIsr + 8) return isr_[index - kIsr];
  if (index >= kTmr && index < kTmr + 8) return tmr_[index - kTmr];
  if (index >= kIrr && index < kIrr + 8) return irr_[index - kIrr];
  if (index >= kLvt && index < kLvt + lvt_.size()) return lvt_[index - kLvt];
  switch (index) {
    case kId: return id_;
    case kVersionRegister: return kVersion;
    case kTpr: return task_priority_;
    case kApr: return arbitration_priority();
    case kPpr: return processor_priority();
    case kEoi:
    case kRrd: return 0;
    case kLdr: return logical_destination_;
    case kDfr: return destination_format_;
    case kSvr: return spurious_;
    case kEsr: return errors_;
    case kIcrLow: return command_[0];
    case kIcrHigh: return command_[1];
    case kInitialCount: return initial_count_;
    case kCurrentCount: return timer_current();
    case kDivide: return divide_;
    default: raise_error(kIllegalRegister); return 0;
  }
}

void LocalApic::write_register(unsigned index, u32 value) {
  if (index >= kLvt && index < kLvt + lvt_.size()) return write_lvt(static_cast<LvtIndex>(index - kLvt), value);
  if (index >= kIsr && index < kIrr + 8) return;  // read-only
  switch (index) {
    case kId: id_ = value & 0xFF00'0000; break;
    case kTpr:
      task_priority_ = static_cast<u8>(value);
      update();
      break;
    case kEoi: end_of_interrupt(); break;
    case kLdr: logical_destination_ = value & 0xFF00'0000; break;
    case kDfr: destination_format_ = value | 0x0FFF'FFFF; break;
    case kSvr: write_spurious(value); break;
    case kEsr:
      errors_ = pending_errors_;
      pending_errors_ = 0;
      break;
    case kIcrLow: write_command(value); break;
    case kIcrHigh: command_[1] = value & 0xFF00'0000; break;
    case kInitialCount:
      settle_timer();
      initial_count_ = value;
      timer_start_ = clock_.now();
      schedule_timer();
      break;
    case kDivide: {
      settle_timer();
      const u32 gone = initial_count_ - timer_current();
      divide_ = value & 0xB;
      resume_timer(gone);
      break;
    }
    case kVersionRegister:
    case kApr:
    case kPpr:
    case kRrd:
    case kCurrentCount: break;
    default: raise_error(kIllegalRegister);
  }
}

void LocalApic::write_lvt(LvtIndex index, u32 value) {
  settle_timer();
  const u32 gone = initial_count_ - timer_current();
  u32 entry = (value & kLvtBits[index]) | (lvt_[index] & kLvtRemoteIrr);
  if (!software_enabled()) entry |= kLvtMasked;
  if (!(entry & kLvtLevel)) entry &= ~kLvtRemoteIrr;
  lvt_[index] = entry;
  trace_.line(Channel::apic, "LVT {} = {:05x}", number(index), entry);
  if (index == kTimer) resume_timer(gone);
  if (index == kLint0) serve_level_pin(lint0_);
  if (index == kLint1) serve_level_pin(lint1_);
  update();
}

void LocalApic::write_spurious(u32 value) {
  settle_timer();
  spurious_ = value & kSpuriousBits;
  if (!software_enabled())
    for (u32& entry : lvt_) entry |= kLvtMasked;  // 10.4.7.2
  schedule_timer();
  trace_.line(Channel::apic, "SVR {:03x}", spurious_);
  update();
}

void LocalApic::write_command(u32 low) {
  command_[0] = low & kCommandBits;
  const ApicDelivery delivery = lvt_delivery(low);
  const u8 vector = static_cast<u8>(low);
  trace_.line(Channel::apic, "ICR {:08x} {:08x}", command_[1], command_[0]);
  if (delivery <= ApicDelivery::lowest_priority && vector < kFirstLegalVector) {
    raise_error(kSendIllegalVector);
    return;
  }
  constexpr unsigned kDestinationField = 0, kOthersOnly = 3;
  const unsigned shorthand = bits(low, 19, 18);
  if (shorthand == kOthersOnly) return;  // nobody else is there
  ApicMessage message{vector, delivery, 0xFF, false, false};
  if (shorthand == kDestinationField) {
    message.destination = static_cast<u8>(command_[1] >> 24);
    message.logical = bit(low, 11);
  }
  if (delivery != ApicDelivery::external) deliver(message);  // ExtINT is no message of the ICR
}

}  // namespace penumbra
