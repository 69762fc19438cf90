// What travels between I/O APIC and local APIC: interrupt messages one way, end-of-interrupt the other.
#pragma once

#include "core/base/types.h"

namespace penumbra {

// Redirection table bits 10-8, ICR bits 10-8 and LVT bits 10-8 (SDM 3A 10.5.1, 10.6.1).
enum class ApicDelivery : u8 { fixed, lowest_priority, smi, reserved, nmi, init, startup, external };

struct ApicMessage {
  u8 vector;
  ApicDelivery delivery;
  u8 destination;  // an APIC ID, or a logical destination
  bool logical;
  bool level_triggered;
};

class ApicReceiver {
 public:
  virtual ~ApicReceiver() = default;
  // True if the message was for this APIC and it took it.
  virtual bool deliver(const ApicMessage& message) = 0;
};

class EndOfInterruptListener {
 public:
  virtual ~EndOfInterruptListener() = default;
  // A level-triggered interrupt of this vector was completed.
  virtual void end_of_interrupt(u8 vector) = 0;
};

}  // namespace penumbra
