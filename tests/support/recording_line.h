// An interrupt line that remembers its level and counts its rising edges.
#pragma once

#include "core/platform/irq.h"

namespace penumbra {

class RecordingLine final : public IrqLine {
 public:
  void set(bool level) override {
    if (level && !level_) ++rises_;
    level_ = level;
  }
  bool level() const { return level_; }
  int rises() const { return rises_; }

 private:
  bool level_ = false;
  int rises_ = 0;
};

}  // namespace penumbra
