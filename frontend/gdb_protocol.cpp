// Packets of the remote serial protocol.
#include "frontend/gdb_protocol.h"

#include <fmt/format.h>

namespace penumbra {

namespace {

constexpr u8 kInterrupt = 0x03;
constexpr u8 kEscape = '}';
constexpr u8 kEscapeMask = 0x20;

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

std::optional<GdbEvent> GdbReader::add(u8 byte) {
  switch (in_) {
    case In::nothing:
      if (byte == kInterrupt) return GdbEvent{.kind = GdbEvent::Kind::interrupt};
      if (byte != '$') return std::nullopt;  // acknowledgements: the transports we serve lose nothing
      data_.clear();
      sum_ = 0;
      damaged_ = false;
      in_ = In::data;
      return std::nullopt;
    case In::data:
    case In::escape:
      if (byte == '#') {
        damaged_ |= in_ == In::escape;
        in_ = In::checksum_high;
        return std::nullopt;
      }
      sum_ = static_cast<u8>(sum_ + byte);
      if (in_ == In::data && byte == kEscape) {
        in_ = In::escape;
        return std::nullopt;
      }
      if (data_.size() < kLargest)
        data_ += static_cast<char>(in_ == In::escape ? byte ^ kEscapeMask : byte);
      else
        damaged_ = true;
      in_ = In::data;
      return std::nullopt;
    case In::checksum_high:
      announced_ = static_cast<u8>(digit_of(static_cast<char>(byte)) << 4);
      damaged_ |= digit_of(static_cast<char>(byte)) < 0;
      in_ = In::checksum_low;
      return std::nullopt;
    case In::checksum_low:
      announced_ = static_cast<u8>(announced_ | (digit_of(static_cast<char>(byte)) & 15));
      damaged_ |= digit_of(static_cast<char>(byte)) < 0;
      in_ = In::nothing;
      if (damaged_ || announced_ != sum_) return GdbEvent{.kind = GdbEvent::Kind::damaged};
      return GdbEvent{.kind = GdbEvent::Kind::packet, .data = data_};
  }
  return std::nullopt;
}

std::string gdb_packet(std::string_view data) {
  std::string packet = "$";
  u8 sum = 0;
  const auto put = [&](char c) {
    packet += c;
    sum = static_cast<u8>(sum + static_cast<u8>(c));
  };
  for (const char c : data) {
    if (c == '#' || c == '$' || c == '}' || c == '*') {
      put(static_cast<char>(kEscape));
      put(static_cast<char>(c ^ kEscapeMask));
    } else {
      put(c);
    }
  }
  return packet + fmt::format("#{:02x}", sum);
}

std::string to_hex(std::span<const u8> bytes) {
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const u8 byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

std::string to_hex(std::string_view text) {
  return to_hex(std::span(reinterpret_cast<const u8*>(text.data()), text.size()));
}

std::optional<std::vector<u8>> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::vector<u8> bytes;
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = digit_of(text[i]), low = digit_of(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes.push_back(static_cast<u8>(high << 4 | low));
  }
  return bytes;
}

std::optional<u64> take_hex(std::string_view& text) {
  u64 value = 0;
  std::size_t count = 0;
  while (count < text.size() && digit_of(text[count]) >= 0)
    value = value << 4 | static_cast<u64>(digit_of(text[count++]));
  if (count == 0 || count > 16) return std::nullopt;
  text.remove_prefix(count);
  return value;
}

}  // namespace penumbra
