// The visitors: writer, reader, hasher, printer.
#include "core/base/state.h"

#include <fmt/format.h>

#include "core/base/bits.h"
#include "core/base/check.h"
#include "core/base/error.h"

namespace penumbra {

void State::refuse(std::string_view name) {
  throw ConfigError(fmt::format("saved state: field '{}' has a length that is not possible", name));
}

void StateWriter::put(const void* from, std::size_t count) {
  const u8* first = static_cast<const u8*>(from);
  bytes_.insert(bytes_.end(), first, first + count);
}

void StateWriter::tag(char kind, std::string_view name) {
  CHECK_THAT(name.size() < 256, "state name '{}' is too long", name);
  bytes_.push_back(static_cast<u8>(kind));
  bytes_.push_back(static_cast<u8>(name.size()));
  put(name.data(), name.size());
}

void StateWriter::enter(std::string_view name, u32 version) {
  tag('{', name);
  put(&version, sizeof version);
  versions_.push_back(version);
}

void StateWriter::leave() {
  bytes_.push_back('}');
  versions_.pop_back();
}

void StateWriter::scalar(std::string_view name, u64& value, std::size_t) {
  tag('s', name);
  put(&value, sizeof value);
}

void StateWriter::blob(std::string_view name, std::span<u8> bytes) {
  tag('b', name);
  const u64 count = bytes.size();
  put(&count, sizeof count);
  put(bytes.data(), bytes.size());
}

void StateReader::take(void* to, std::size_t count, std::string_view name) {
  if (bytes_.size() - at_ < count) throw ConfigError(fmt::format("saved state ends inside '{}'", name));
  if (count == 0) return;  // an empty vector has no address to copy to
  std::memcpy(to, bytes_.data() + at_, count);
  at_ += count;
}

void StateReader::expect(char kind, std::string_view name) {
  u8 head[2];
  take(head, sizeof head, name);
  std::string found(head[1], '\0');
  take(found.data(), found.size(), name);
  if (head[0] != static_cast<u8>(kind) || found != name)
    throw ConfigError(fmt::format("saved state: expected '{}', found '{}'", name, found));
}

void StateReader::enter(std::string_view name, u32) {
  expect('{', name);
  u32 version;
  take(&version, sizeof version, name);
  versions_.push_back(version);
}

void StateReader::leave() {
  u8 mark;
  take(&mark, 1, "end of section");
  if (mark != '}') throw ConfigError("saved state: a section is longer than expected");
  versions_.pop_back();
}

void StateReader::scalar(std::string_view name, u64& value, std::size_t) {
  expect('s', name);
  take(&value, sizeof value, name);
}

void StateReader::blob(std::string_view name, std::span<u8> bytes) {
  expect('b', name);
  u64 count;
  take(&count, sizeof count, name);
  if (count != bytes.size())
    throw ConfigError(fmt::format("saved state: '{}' has {} bytes, expected {}", name, count, bytes.size()));
  take(bytes.data(), bytes.size(), name);
}

void StateHasher::mix(const void* from, std::size_t count) {
  constexpr u64 kPrime = 0x100000001b3;
  const u8* p = static_cast<const u8*>(from);
  for (; count >= 8; count -= 8, p += 8) {
    hash_ = (hash_ ^ load<u64>(p)) * kPrime;
    hash_ ^= hash_ >> 32;
  }
  for (; count; --count, ++p) hash_ = (hash_ ^ *p) * kPrime;
}

void StateHasher::enter(std::string_view name, u32 version) {
  mix(name.data(), name.size());
  version_ = version;
}

void StateHasher::scalar(std::string_view name, u64& value, std::size_t) {
  mix(name.data(), name.size());
  mix(&value, sizeof value);
}

void StateHasher::blob(std::string_view name, std::span<u8> bytes) {
  mix(name.data(), name.size());
  mix(bytes.data(), bytes.size());
}

void StatePrinter::enter(std::string_view name, u32 version) {
  path_.push_back((path_.empty() ? "" : path_.back() + ".") + std::string(name));
  version_ = version;
}

void StatePrinter::leave() { path_.pop_back(); }

void StatePrinter::scalar(std::string_view name, u64& value, std::size_t bytes) {
  text_ += fmt::format("{}.{} = {:0{}x}\n", path_.empty() ? "" : path_.back(), name, value, bytes * 2);
}

void StatePrinter::blob(std::string_view name, std::span<u8> bytes) {
  StateHasher hasher;
  hasher.blob("", bytes);
  text_ += fmt::format("{}.{} = {} bytes, hash {:016x}\n", path_.empty() ? "" : path_.back(), name, bytes.size(),
                       hasher.hash());
}

}  // namespace penumbra
