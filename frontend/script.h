// The script of --type and --expect: what to type where, and which text to wait for, in order.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"
#include "core/platform/display.h"
#include "core/platform/input.h"
#include "frontend/keys.h"
#include "frontend/text_log.h"

namespace penumbra {

// Where typed text goes.
enum class TypeTarget : u8 { keyboard, com1, com2 };

struct ScriptStep {
  enum class Kind : u8 { expect, stroke, wait, target };

  Kind kind;
  std::string text{};                        // expect: what must stand somewhere
  KeyStroke stroke{};                        // stroke
  Ticks wait{0};                             // wait: guest time
  TypeTarget target = TypeTarget::keyboard;  // target: for the strokes from here on
};

// "text{ENTER}{CTRL-C}{WAIT 500}{COM1}{{}": plain characters, keys in braces, WAIT in milliseconds of guest time, a
// place to type at (KEYBOARD, COM1, COM2), and {{} or {}} for braces. Throws ConfigError.
std::vector<ScriptStep> parse_type(std::string_view text);
// One step; throws ConfigError for empty text.
ScriptStep parse_expect(std::string_view text);

// True if `wanted` stands in the lines of a text screen. Blanks at the end of a line count, though the lines come
// without them, and a line as long as the longest may run on in the next.
bool screen_shows(const std::vector<std::string>& lines, std::string_view wanted);

// Works through the steps as the guest goes on; `poll` is called between slices.
class Script {
 public:
  struct Ports {
    KeyboardPort& keyboard;
    Display& display;
    std::vector<const TextLog*> serial;  // what the guest has written to COM1 and COM2
    // Types on a serial line; false while there is no room for all of it.
    std::function<bool(unsigned line, std::string_view bytes)> send;
  };

  Script(std::vector<ScriptStep> steps, Ports ports, TypeTarget first_target);

  // Does what can be done at guest time `now`. The keyboard gets at most one press or release, its keys being paced.
  void poll(Ticks now);

  // More steps behind the others.
  void append(std::vector<ScriptStep> steps);

  bool done() const { return at_ == steps_.size(); }
  bool has_expects() const { return expects_ > 0; }
  bool expects_left() const { return met_ < expects_; }
  // True when no step follows the last expectation, so that meeting it ends the run.
  bool ends_with_expect() const { return !steps_.empty() && steps_.back().kind == ScriptStep::Kind::expect; }
  // The next text waited for; empty if none is left.
  std::string_view awaited() const;

 private:
  bool found(std::string_view wanted);
  bool type(const KeyStroke& stroke, Ticks now);

  std::vector<ScriptStep> steps_;
  Ports ports_;
  TypeTarget target_;
  std::size_t at_ = 0;
  unsigned expects_ = 0;
  unsigned met_ = 0;
  std::vector<u64> searched_;  // per line: what came before was matched by earlier expectations
  bool waiting_ = false;
  bool pressed_ = false;  // the keys of the current stroke are down
  Ticks not_before_{0};
};

}  // namespace penumbra
