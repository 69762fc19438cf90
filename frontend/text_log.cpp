// Keeping and searching a guest's output.
#include "frontend/text_log.h"

#include <algorithm>

namespace penumbra {

bool EscapeStripper::text(u8 byte) {
  switch (in_) {
    case In::text:
      if (byte == 0x1B) {
        in_ = In::escape;
        return false;
      }
      return byte == '\n' || byte == '\t' || (byte >= 0x20 && byte != 0x7F);
    case In::escape:
      if (byte == '[')
        in_ = In::csi;
      else if (byte == ']' || byte == 'P' || byte == 'X' || byte == '^' || byte == '_')
        in_ = In::string;
      else if (byte >= 0x20 && byte <= 0x2F)
        in_ = In::charset;
      else if (byte != 0x1B)
        in_ = In::text;
      return false;
    case In::charset:
      if (byte < 0x20 || byte > 0x2F) in_ = In::text;
      return false;
    case In::csi:
      if (byte == 0x1B)
        in_ = In::escape;
      else if (byte >= 0x40 && byte <= 0x7E)
        in_ = In::text;
      return false;
    case In::string:
      // BEL ends an OSC; CAN, SUB and a new line end a string that a guest never finishes.
      if (byte == 0x07 || byte == 0x18 || byte == 0x1A || byte == '\n')
        in_ = In::text;
      else if (byte == 0x1B)
        in_ = In::string_escape;
      return false;
    case In::string_escape: in_ = byte == '\\' ? In::text : In::string; return false;
  }
  return false;
}

void TextLog::add(u8 byte) {
  if (stripper_.text(byte)) {
    stripped_ += static_cast<char>(byte);
    stripped_at_.push_back(total());
  }
  raw_ += static_cast<char>(byte);
  if (raw_.size() >= 2 * kKept) trim();
}

void TextLog::trim() {
  const std::size_t dropped = raw_.size() - kKept;
  raw_.erase(0, dropped);
  raw_first_ += dropped;
  const auto keep = std::lower_bound(stripped_at_.begin(), stripped_at_.end(), raw_first_);
  stripped_.erase(0, static_cast<std::size_t>(keep - stripped_at_.begin()));
  stripped_at_.erase(stripped_at_.begin(), keep);
}

bool TextLog::find(std::string_view wanted, u64& position) const {
  if (wanted.empty()) return true;
  u64 end = UINT64_MAX;
  const std::size_t raw_from = static_cast<std::size_t>(std::max(position, raw_first_) - raw_first_);
  if (const std::size_t at = raw_.find(wanted, raw_from); at != std::string::npos)
    end = raw_first_ + at + wanted.size();

  const auto from = std::lower_bound(stripped_at_.begin(), stripped_at_.end(), position);
  const std::size_t stripped_from = static_cast<std::size_t>(from - stripped_at_.begin());
  if (const std::size_t at = stripped_.find(wanted, stripped_from); at != std::string::npos)
    end = std::min(end, stripped_at_[at + wanted.size() - 1] + 1);

  if (end == UINT64_MAX) return false;
  position = end;
  return true;
}

std::string TextLog::tail(std::size_t most) const {
  return stripped_.size() <= most ? stripped_ : stripped_.substr(stripped_.size() - most);
}

}  // namespace penumbra
