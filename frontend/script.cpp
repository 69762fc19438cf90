// Parsing and running scripts.
#include "frontend/script.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "core/base/error.h"
#include "frontend/values.h"

namespace penumbra {

namespace {

// A press and its release, and two strokes, lie this far apart: fast for a person, slow enough for a guest that drains
// its keyboard buffer of 15 strokes once a tick of 55 ms.
constexpr Ticks kKeyInterval = milliseconds(10);

bool same_word(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::toupper(x) == std::toupper(y); });
}

ScriptStep braced_step(std::string_view inside) {
  using Kind = ScriptStep::Kind;
  if (inside == "{" || inside == "}") return {.kind = Kind::stroke, .stroke = *stroke_for_character(inside[0])};
  if (same_word(inside, "KEYBOARD")) return {.kind = Kind::target, .target = TypeTarget::keyboard};
  if (same_word(inside, "COM1")) return {.kind = Kind::target, .target = TypeTarget::com1};
  if (same_word(inside, "COM2")) return {.kind = Kind::target, .target = TypeTarget::com2};
  if (same_word(inside.substr(0, 5), "WAIT ")) {
    const u64 milliseconds_to_wait = parse_number(inside.substr(5), 0, 86'400'000);
    return {.kind = Kind::wait, .wait = milliseconds(static_cast<i64>(milliseconds_to_wait))};
  }
  return {.kind = Kind::stroke, .stroke = stroke_named(inside)};
}

std::size_t characters(std::string_view utf8) {
  return static_cast<std::size_t>(
      std::count_if(utf8.begin(), utf8.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

}  // namespace

std::vector<ScriptStep> parse_type(std::string_view text) {
  if (text.empty()) throw ConfigError("there is nothing to type in empty text");
  std::vector<ScriptStep> steps;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '{') {
      // {}} is a brace, so the end is looked for behind the first character.
      const std::size_t end = text.find('}', i + 2);
      if (end == std::string_view::npos)
        throw ConfigError(fmt::format("'{}' has no closing brace (a brace itself is typed by {{{{}})", text.substr(i)));
      steps.push_back(braced_step(text.substr(i + 1, end - i - 1)));
      i = end;
      continue;
    }
    if (text[i] == '\r' && i + 1 < text.size() && text[i + 1] == '\n') continue;
    const std::optional<KeyStroke> stroke = stroke_for_character(text[i]);
    if (!stroke)
      throw ConfigError(fmt::format("byte {:02X}h is on no key of a US keyboard", static_cast<unsigned char>(text[i])));
    steps.push_back({.kind = ScriptStep::Kind::stroke, .stroke = *stroke});
  }
  return steps;
}

ScriptStep parse_expect(std::string_view text) {
  if (text.empty()) throw ConfigError("there is nothing to wait for in empty text");
  return {.kind = ScriptStep::Kind::expect, .text = std::string(text)};
}

bool screen_shows(const std::vector<std::string>& lines, std::string_view wanted) {
  std::size_t columns = 0;
  for (const std::string& line : lines) columns = std::max(columns, characters(line));
  const std::string blanks(wanted.size(), ' ');
  std::string separate, wrapped;
  for (const std::string& line : lines) {
    separate += line + blanks + "\n";
    wrapped += characters(line) == columns ? line : line + blanks + "\n";
  }
  return separate.find(wanted) != std::string::npos || wrapped.find(wanted) != std::string::npos;
}

Script::Script(std::vector<ScriptStep> steps, Ports ports, TypeTarget first_target)
    : ports_(std::move(ports)), target_(first_target), searched_(ports_.serial.size()) {
  append(std::move(steps));
}

void Script::append(std::vector<ScriptStep> steps) {
  steps_.erase(steps_.begin(), steps_.begin() + static_cast<std::ptrdiff_t>(at_));
  at_ = 0;
  for (ScriptStep& step : steps) {
    if (step.kind == ScriptStep::Kind::expect) ++expects_;
    steps_.push_back(std::move(step));
  }
}

void Script::poll(Ticks now) {
  while (!done()) {
    const ScriptStep& step = steps_[at_];
    switch (step.kind) {
      case ScriptStep::Kind::expect:
        if (!found(step.text)) return;
        ++met_;
        break;
      case ScriptStep::Kind::wait:
        if (!waiting_) not_before_ = now + step.wait.value;
        waiting_ = now < not_before_;
        if (waiting_) return;
        break;
      case ScriptStep::Kind::target: target_ = step.target; break;
      case ScriptStep::Kind::stroke:
        if (!type(step.stroke, now)) return;
        break;
    }
    ++at_;
  }
}

bool Script::found(std::string_view wanted) {
  for (std::size_t i = 0; i < ports_.serial.size(); ++i)
    if (ports_.serial[i]->find(wanted, searched_[i])) return true;
  return screen_shows(ports_.display.text(), wanted);
}

bool Script::type(const KeyStroke& stroke, Ticks now) {
  if (target_ != TypeTarget::keyboard)
    return stroke.bytes.empty() || ports_.send(target_ == TypeTarget::com1 ? 0 : 1, stroke.bytes);
  if (now < not_before_ || ports_.keyboard.busy()) return false;
  not_before_ = now + kKeyInterval.value;
  if (!pressed_) {
    for (const KeyCode code : stroke.keys) ports_.keyboard.key(code, true);
    pressed_ = true;
    return false;
  }
  for (auto code = stroke.keys.rbegin(); code != stroke.keys.rend(); ++code) ports_.keyboard.key(*code, false);
  pressed_ = false;
  return true;
}

std::string_view Script::awaited() const {
  for (std::size_t i = at_; i < steps_.size(); ++i)
    if (steps_[i].kind == ScriptStep::Kind::expect) return steps_[i].text;
  return {};
}

}  // namespace penumbra
