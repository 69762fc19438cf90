// Editing one line.
#include "frontend/line_editor.h"

#include <cctype>

namespace penumbra {

void LineEditor::key(char c) {
  if (in_sequence_) {
    in_sequence_ = !(std::isalpha(static_cast<unsigned char>(c)) && c != 'O') && c != '~';
    return;
  }
  switch (c) {
    case '\x1b': in_sequence_ = true; return;
    case '\r':
    case '\n': {
      print_("\r\n");
      std::string line;
      line.swap(text_);
      line_(line);
      return;
    }
    case '\x7f':
    case '\b':
      if (text_.empty()) return;
      text_.pop_back();
      print_("\b \b");
      return;
    case '\x15':  // Ctrl-U
      for (std::size_t i = 0; i < text_.size(); ++i) print_("\b \b");
      text_.clear();
      return;
    default:
      if (static_cast<unsigned char>(c) < 0x20 || text_.size() >= kLongest) return;
      text_ += c;
      print_(std::string_view(&c, 1));
  }
}

}  // namespace penumbra
