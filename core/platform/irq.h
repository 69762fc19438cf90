// An interrupt line: one level, driven by one device.
#pragma once

namespace penumbra {

class IrqLine {
 public:
  virtual ~IrqLine() = default;
  virtual void set(bool level) = 0;
  // A falling and a rising edge, for edge-triggered sources.
  void pulse() {
    set(false);
    set(true);
  }
};

// What the CPU sees of the interrupt controllers (local APIC, or the 8259 pair behind it).
class InterruptSource {
 public:
  virtual ~InterruptSource() = default;
  // True while an unmasked interrupt waits for the CPU.
  virtual bool pending() const = 0;
  // The CPU's INTA cycle: takes the interrupt and answers its vector.
  virtual unsigned char acknowledge() = 0;
};

}  // namespace penumbra
