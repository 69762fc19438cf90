// A line typed key by key on a raw terminal: echo, backspace, Ctrl-U, and Enter.
#pragma once

#include <functional>
#include <string>

namespace penumbra {

class LineEditor {
 public:
  using Print = std::function<void(std::string_view)>;
  using Line = std::function<void(const std::string&)>;

  LineEditor(Print print, Line line) : print_(std::move(print)), line_(std::move(line)) {}

  void key(char c);

 private:
  static constexpr std::size_t kLongest = 4096;

  Print print_;
  Line line_;
  std::string text_;
  bool in_sequence_ = false;  // inside an escape sequence (cursor keys), which is dropped
};

}  // namespace penumbra
