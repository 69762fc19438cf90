// The last of what a guest wrote to a port, kept for --expect: as it came, and with terminal control sequences removed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

// Tells text from ECMA-48 control sequences (CSI, OSC and other strings, two-byte escapes) and from control characters
// other than tab and line feed, byte by byte.
class EscapeStripper {
 public:
  // True if the byte is text.
  bool text(u8 byte);

 private:
  enum class In : u8 { text, escape, charset, csi, string, string_escape };
  In in_ = In::text;
};

class TextLog {
 public:
  // At least this much of the end is kept.
  static constexpr std::size_t kKept = 256 << 10;

  void add(u8 byte);

  // Looks for `wanted` in what came at or after `position` (bytes since the start), both as it came and stripped.
  // If it is there, answers true and moves `position` behind the match that ends first.
  bool find(std::string_view wanted, u64& position) const;

  // The end of the stripped text, at most `most` bytes.
  std::string tail(std::size_t most) const;
  u64 total() const { return raw_first_ + raw_.size(); }

 private:
  void trim();

  EscapeStripper stripper_;
  std::string raw_;
  u64 raw_first_ = 0;  // position of raw_[0]
  std::string stripped_;
  std::vector<u64> stripped_at_;  // position of each byte of stripped_
};

}  // namespace penumbra
