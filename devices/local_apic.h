// The xAPIC local APIC of a Pentium III or 4: priorities, local vector table, timer, interrupts to itself, and the way
// of the 8259's INTR to the CPU. Source: SDM 3A chapter 10 (APIC).
#pragma once

#include <array>
#include <functional>

#include "core/base/log.h"
#include "core/platform/apic.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/irq.h"
#include "mmu/guest_memory.h"

namespace penumbra {

class LocalApic final : public Device, public InterruptSource, public ApicReceiver, MmioHandler {
 public:
  // What the CPU is told besides ordinary interrupts. `interrupt` is called when pending() may have become true.
  struct Signals {
    std::function<void()> interrupt;
    std::function<void()> nmi;
  };

  // `pic` answers INTA cycles for ExtINT; its INT output must be wired to `lint0()`.
  LocalApic(GuestMemory& memory, Clock& clock, InterruptSource& pic, Trace& trace, Signals signals);

  // LINT0: INTR of the 8259s. LINT1: NMI of the board.
  IrqLine& lint0() { return lint0_; }
  IrqLine& lint1() { return lint1_; }
  // Told of EOIs of level-triggered interrupts: the I/O APIC. Part of the wiring, not of the state.
  void connect(EndOfInterruptListener& io_apic) { io_apic_ = &io_apic; }

  bool pending() const override { return deliverable_ || external_pending(); }
  // With nothing pending, answers the spurious vector of SVR.
  u8 acknowledge() override;
  bool deliver(const ApicMessage& message) override;

  // IA32_APIC_BASE (MSR 1Bh). False, and nothing done, if a reserved bit is set: the CPU then raises #GP(0).
  u64 base_msr() const { return base_; }
  bool set_base_msr(u64 value);

  std::string_view name() const override { return "local-apic"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  // 256 bits, as ISR, TMR and IRR hold one for each vector.
  using VectorSet = std::array<u32, 8>;
  enum LvtIndex : u8 { kTimer, kThermal, kPerformance, kLint0, kLint1, kError, kLvtCount };

  struct Pin : IrqLine {
    Pin(LocalApic& apic, LvtIndex lvt) : apic_(apic), lvt_(lvt) {}
    void set(bool now) override;
    LocalApic& apic_;
    LvtIndex lvt_;
    bool level_ = false;
  };

  u32 mmio_read(PhysAddr address, Width width) override;
  void mmio_write(PhysAddr address, Width width, u32 value) override;
  static ApicDelivery lvt_delivery(u32 entry) { return static_cast<ApicDelivery>(entry >> 8 & 7); }
  u32 read_register(unsigned index);
  void write_register(unsigned index, u32 value);
  void write_lvt(LvtIndex index, u32 value);
  void write_spurious(u32 value);
  void write_command(u32 low);
  void end_of_interrupt();

  bool enabled() const;
  bool software_enabled() const;
  bool external_pending() const;
  bool addressed(u8 destination, bool logical) const;
  bool accept(u8 vector, bool level_triggered);
  bool deliver_local(LvtIndex index);
  void serve_level_pin(Pin& pin);
  void pin_changed(Pin& pin, bool rising);
  void raise_error(u32 bits);
  u8 processor_priority() const;
  u8 arbitration_priority() const;
  void update();
  void power_up_registers();
  void map();

  // The timer
  Ticks timer_tick() const;
  u64 timer_elapsed() const;
  u32 timer_current() const;
  bool timer_periodic() const;
  void settle_timer();
  void schedule_timer();
  void resume_timer(u32 gone);
  void timer_expired();

  GuestMemory& memory_;
  Clock& clock_;
  InterruptSource& pic_;
  Trace& trace_;
  Signals signals_;
  EndOfInterruptListener* io_apic_ = nullptr;

  u64 base_ = 0;
  bool mapped_ = false;
  u32 id_ = 0;
  u8 task_priority_ = 0;  // TPR
  u32 logical_destination_ = 0;
  u32 destination_format_ = 0;
  u32 spurious_ = 0;  // SVR
  VectorSet isr_{}, tmr_{}, irr_{};
  u32 errors_ = 0;          // as ESR shows them
  u32 pending_errors_ = 0;  // since ESR was last written
  std::array<u32, 2> command_{};
  std::array<u32, kLvtCount> lvt_{};
  u32 initial_count_ = 0;
  u32 divide_ = 0;
  Ticks timer_start_{0};  // when the timer held its initial count
  Timer timer_;
  bool external_message_ = false;  // an ExtINT from the I/O APIC waits
  Pin lint0_{*this, kLint0};
  Pin lint1_{*this, kLint1};
  bool deliverable_ = false;  // a vector in IRR is above the processor priority
};

}  // namespace penumbra
