// The line on a terminal's standard error that says what an unattended run waits for.
#pragma once

#include <string>

namespace penumbra {

class Progress {
 public:
  // Off: says nothing, ever.
  explicit Progress(bool on) : on_(on) {}
  ~Progress() { clear(); }

  // Shows "TEXT ... 12 s" from the third second on, once a second.
  void show(const std::string& text, double seconds);
  void clear();

 private:
  bool on_;
  bool shown_ = false;
  int second_ = 0;
};

}  // namespace penumbra
