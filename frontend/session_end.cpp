// What a run leaves behind: pictures, texts, figures, and the reason why it ended.
#include <fmt/format.h>

#include <cstdio>
#include <fstream>

#include "core/base/error.h"
#include "frontend/png_file.h"
#include "frontend/session.h"
#include "frontend/values.h"

namespace penumbra {

namespace {

std::string screen_of(Display& display) {
  std::string text;
  for (const std::string& line : display.text()) text += line + "\n";
  while (text.ends_with("\n\n")) text.pop_back();
  return text == "\n" ? "" : text;
}

// The last few lines of a log.
std::string last_lines(const std::string& text, std::size_t count) {
  std::size_t at = text.size();
  while (at > 0 && count > 0) {
    if (--at > 0 && text[at - 1] == '\n') --count;
  }
  return text.substr(at);
}

}  // namespace

int Session::finish() {
  for (const auto& line : lines_) line->drain(seconds(1));
  progress_->clear();
  if (script_ && script_->expects_left() && ending_->code == static_cast<int>(ExitCode::ok)) {
    ending_->code = static_cast<int>(ExitCode::expectation);
    ending_->message = fmt::format("expectation not met: '{}' (the run was ended before)", script_->awaited());
  }
  if (gdb_) gdb_->ended(ending_->code);
  if (!ending_->message.empty()) say(ending_->message);
  if (script_ && script_->expects_left()) explain_unmet();
  for (const auto& line : lines_)
    if (line->dropped() > 0)
      say(fmt::format("{} bytes of {}'s output were dropped: nobody read them", line->dropped(), line->name()));
  write_results();
  return ending_->code;
}

void Session::write_results() {
  if (settings_.stats) fmt::print(stderr, "{}", statistics_.full());
  // Two deterministic runs are the same if this is.
  if (settings_.stats && settings_.machine.icount) fmt::print(stderr, "state hash    {:016x}\n", guest_.state_hash());
  if (settings_.screen_text) {
    const std::string text = screen_of(guest_.display());
    if (*settings_.screen_text == "-") {
      std::fwrite(text.data(), 1, text.size(), stdout);
      std::fflush(stdout);
    } else {
      std::ofstream file(*settings_.screen_text, std::ios::binary | std::ios::trunc);
      file << text;
      file.flush();
      if (!file) throw host_error(*settings_.screen_text);
    }
  }
  if (!settings_.screenshot.empty()) screenshot(settings_.screenshot);
}

// What was there instead: enough to see what went wrong without a second run.
void Session::explain_unmet() {
  if (const std::string screen = screen_of(guest_.display()); !screen.empty())
    fmt::print(stderr, "--- the screen ---\n{}", screen);
  for (unsigned i = 0; i < 2; ++i) {
    const bool seen = i < settings_.serial.size() && settings_.serial[i].kind == ChannelKind::stdio;
    const std::string text = last_lines(line(i).log().tail(4096), 15);
    if (!seen && !text.empty()) fmt::print(stderr, "--- the end of {} ---\n{}\n", line(i).name(), text);
  }
}

void Session::screenshot(const std::string& path) {
  guest_.display().render(picture_);
  write_png(picture_, path);
}

}  // namespace penumbra
