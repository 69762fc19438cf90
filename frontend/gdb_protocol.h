// gdb's remote serial protocol, the packets: framing, checksums, escapes, and hexadecimal.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

// A packet or an interrupt request as it came from gdb. (gdb manual, "Remote Protocol", Overview.)
struct GdbEvent {
  enum class Kind : u8 { packet, damaged, interrupt };
  Kind kind;
  std::string data{};  // unescaped
};

class GdbReader {
 public:
  // The largest packet taken; we announce it as PacketSize.
  static constexpr std::size_t kLargest = 0x4000;

  // The next byte from gdb; an event if it completes one.
  std::optional<GdbEvent> add(u8 byte);

 private:
  enum class In : u8 { nothing, data, escape, checksum_high, checksum_low };
  In in_ = In::nothing;
  std::string data_;
  u8 sum_ = 0;
  u8 announced_ = 0;
  bool damaged_ = false;
};

// "$data#cs" with the data escaped.
std::string gdb_packet(std::string_view data);

std::string to_hex(std::span<const u8> bytes);
std::string to_hex(std::string_view text);
// Nothing if a character is no hexadecimal digit or their number is odd.
std::optional<std::vector<u8>> from_hex(std::string_view text);
// A big-endian hexadecimal number at the start of `text`, which it is removed from.
std::optional<u64> take_hex(std::string_view& text);

}  // namespace penumbra
