// Acceptance and priorities of the local APIC.
#include "devices/local_apic.h"

#include <algorithm>
#include <bit>

#include "core/base/bits.h"

namespace penumbra {

namespace {

constexpr u64 kDefaultBase = 0xFEE0'0000;
constexpr u64 kGlobalEnable = 1 << 11;
constexpr u64 kBootProcessor = 1 << 8;
constexpr u64 kBaseAddress = 0xF'FFFF'F000;  // 36 bits of physical address
constexpr u64 kBaseReserved = ~(kBaseAddress | kGlobalEnable | kBootProcessor);
constexpr u32 kSoftwareEnable = 1 << 8;

// LVT entries
constexpr u32 kLvtLevel = 1 << 15;
constexpr u32 kLvtRemoteIrr = 1 << 14;
constexpr u32 kLvtMasked = 1 << 16;
// ESR
constexpr u32 kReceiveIllegalVector = 1 << 6;

constexpr u8 kFirstLegalVector = 16;
constexpr u8 kClassMask = 0xF0;

void set(std::array<u32, 8>& vectors, u8 vector, bool on) {
  vectors[vector / 32] = with_bit(vectors[vector / 32], vector % 32, on);
}

bool holds(const std::array<u32, 8>& vectors, u8 vector) { return bit(vectors[vector / 32], vector % 32); }

// The highest vector, or 0, which no interrupt has.
u8 highest(const std::array<u32, 8>& vectors) {
  for (unsigned word = 8; word-- > 0;)
    if (vectors[word]) return static_cast<u8>(word * 32 + 31 - static_cast<unsigned>(std::countl_zero(vectors[word])));
  return 0;
}

}  // namespace

LocalApic::LocalApic(GuestMemory& memory, Clock& clock, InterruptSource& pic, Trace& trace, Signals signals)
    : memory_(memory), clock_(clock), pic_(pic), trace_(trace), signals_(std::move(signals)), timer_(clock, [this] {
        timer_expired();
      }) {
  reset(Reset::power_on);
}

void LocalApic::reset(Reset) {
  base_ = kDefaultBase | kGlobalEnable | kBootProcessor;
  power_up_registers();
  map();
}

// Section 10.4.7.1.
void LocalApic::power_up_registers() {
  id_ = logical_destination_ = 0;
  destination_format_ = ~0u;
  task_priority_ = 0;
  spurious_ = 0xFF;
  isr_ = tmr_ = irr_ = {};
  errors_ = pending_errors_ = 0;
  command_ = {};
  lvt_.fill(kLvtMasked);
  initial_count_ = divide_ = 0;
  timer_start_ = clock_.now();
  external_message_ = false;
  timer_.cancel();
  update();
}

void LocalApic::visit(State& state) {
  StateSection section(state, "local_apic");
  state.field("base", base_);
  state.field("ID", id_);
  state.field("TPR", task_priority_);
  state.field("LDR", logical_destination_);
  state.field("DFR", destination_format_);
  state.field("SVR", spurious_);
  state.field("ISR", isr_);
  state.field("TMR", tmr_);
  state.field("IRR", irr_);
  state.field("ESR", errors_);
  state.field("pending_errors", pending_errors_);
  state.field("ICR", command_);
  state.field("LVT", lvt_);
  state.field("initial_count", initial_count_);
  state.field("DCR", divide_);
  state.field("timer_start", timer_start_);
  timer_.visit(state, "timer");
  state.field("external_message", external_message_);
  state.field("lint0", lint0_.level_);
  state.field("lint1", lint1_.level_);
  if (!state.loading()) return;
  base_ &= ~kBaseReserved;
  map();
  update();
}

// --- where it stands ---

bool LocalApic::enabled() const { return base_ & kGlobalEnable; }
bool LocalApic::software_enabled() const { return enabled() && (spurious_ & kSoftwareEnable); }

void LocalApic::map() {
  if (mapped_) memory_.unmap(name());
  mapped_ = enabled();
  if (mapped_) memory_.map_mmio(PhysAddr(base_ & kBaseAddress), kPageSize, *this, std::string(name()));
}

// Disabling and enabling again finds the registers as after power-up (10.4.3).
bool LocalApic::set_base_msr(u64 value) {
  if (value & kBaseReserved) return false;
  const bool moved = (value ^ base_) & (kBaseAddress | kGlobalEnable);
  const bool switched = (value ^ base_) & kGlobalEnable;
  base_ = value | kBootProcessor;
  if (switched) power_up_registers();
  if (moved) map();
  trace_.line(Channel::apic, "APIC base {:x}", base_);
  return true;
}

// --- acceptance ---

bool LocalApic::addressed(u8 destination, bool logical) const {
  if (destination == 0xFF) return true;
  if (!logical) return destination == id_ >> 24;
  const u8 own = static_cast<u8>(logical_destination_ >> 24);
  if (destination_format_ >> 28 == 0xF) return own & destination;    // flat
  return own >> 4 == destination >> 4 && (own & destination & 0xF);  // cluster
}

bool LocalApic::deliver(const ApicMessage& message) {
  if (!enabled() || !addressed(message.destination, message.logical)) return false;
  switch (message.delivery) {
    case ApicDelivery::fixed:
    case ApicDelivery::lowest_priority: return accept(message.vector, message.level_triggered);
    case ApicDelivery::nmi: signals_.nmi(); return true;
    case ApicDelivery::external:
      external_message_ = true;
      update();
      return true;
    // The only CPU neither starts nor resets itself, and there is no SMM.
    case ApicDelivery::init:
    case ApicDelivery::startup:
    case ApicDelivery::smi: return true;
    case ApicDelivery::reserved: break;
  }
  return false;
}

bool LocalApic::accept(u8 vector, bool level_triggered) {
  if (!software_enabled()) return false;
  if (vector < kFirstLegalVector) {
    raise_error(kReceiveIllegalVector);
    return false;
  }
  trace_.line(Channel::apic, "accepted vector {:02x}", vector);
  set(irr_, vector, true);
  set(tmr_, vector, level_triggered);
  update();
  return true;
}

// True if the entry made an interrupt that an EOI will end.
bool LocalApic::deliver_local(LvtIndex index) {
  const u32 entry = lvt_[index];
  if (entry & kLvtMasked) return false;
  switch (index == kTimer || index == kError ? ApicDelivery::fixed : lvt_delivery(entry)) {
    case ApicDelivery::fixed:
      return accept(static_cast<u8>(entry), (index == kLint0 || index == kLint1) && (entry & kLvtLevel));
    case ApicDelivery::nmi: signals_.nmi(); return false;
    default: return false;
  }
}

void LocalApic::Pin::set(bool now) {
  const bool rising = now && !level_;
  level_ = now;
  apic_.pin_changed(*this, rising);
}

// Without the APIC, and until software enables it, its pins are the CPU's own INTR and NMI.
void LocalApic::pin_changed(Pin& pin, bool rising) {
  if (!software_enabled()) {
    if (pin.lvt_ == kLint0)
      update();
    else if (rising)
      signals_.nmi();
    return;
  }
  const u32 entry = lvt_[pin.lvt_];
  if (lvt_delivery(entry) == ApicDelivery::external)
    update();
  else if (lvt_delivery(entry) == ApicDelivery::fixed && (entry & kLvtLevel))
    serve_level_pin(pin);
  else if (rising)
    deliver_local(pin.lvt_);
}

void LocalApic::serve_level_pin(Pin& pin) {
  u32& entry = lvt_[pin.lvt_];
  const bool fixed_level = lvt_delivery(entry) == ApicDelivery::fixed && (entry & kLvtLevel);
  if (!fixed_level || !pin.level_ || (entry & kLvtRemoteIrr)) return;
  if (deliver_local(pin.lvt_)) entry |= kLvtRemoteIrr;
}

// An error interrupt whose own vector is illegal only adds its bit.
void LocalApic::raise_error(u32 bits) {
  const bool news = bits & ~pending_errors_;
  pending_errors_ |= bits;
  if (!news) return;
  if (static_cast<u8>(lvt_[kError]) < kFirstLegalVector)
    pending_errors_ |= lvt_[kError] & kLvtMasked ? 0 : kReceiveIllegalVector;
  else
    deliver_local(kError);
}

// --- priorities and the CPU's side ---

u8 LocalApic::processor_priority() const {  // PPR (10.8.3.1)
  const u8 in_service = highest(isr_) & kClassMask;
  return (task_priority_ & kClassMask) >= in_service ? task_priority_ : in_service;
}

u8 LocalApic::arbitration_priority() const {  // APR (10.6.2.4)
  const u8 in_service = highest(isr_) & kClassMask;
  const u8 requested = highest(irr_) & kClassMask;
  const u8 task = task_priority_ & kClassMask;
  return task >= requested && task > in_service ? task_priority_ : std::max({task, requested, in_service});
}

void LocalApic::update() {
  deliverable_ = software_enabled() && (highest(irr_) & kClassMask) > (processor_priority() & kClassMask);
  if (pending()) signals_.interrupt();
}

bool LocalApic::external_pending() const {
  if (!software_enabled()) return pic_.pending();
  const u32 entry = lvt_[kLint0];
  const bool through = !(entry & kLvtMasked) && lvt_delivery(entry) == ApicDelivery::external;
  return (through || external_message_) && pic_.pending();
}

u8 LocalApic::acknowledge() {
  if (deliverable_) {
    const u8 vector = highest(irr_);
    set(irr_, vector, false);
    set(isr_, vector, true);
    update();
    return vector;
  }
  if (external_pending()) {
    external_message_ = false;
    return pic_.acknowledge();
  }
  return static_cast<u8>(spurious_);
}

void LocalApic::end_of_interrupt() {
  const u8 vector = highest(isr_);
  if (!vector) return;
  set(isr_, vector, false);
  if (holds(tmr_, vector)) {
    for (Pin* pin : {&lint0_, &lint1_}) {
      if (static_cast<u8>(lvt_[pin->lvt_]) != vector) continue;
      lvt_[pin->lvt_] &= ~kLvtRemoteIrr;
      serve_level_pin(*pin);
    }
    if (io_apic_) io_apic_->end_of_interrupt(vector);
  }
  update();
}

}  // namespace penumbra
