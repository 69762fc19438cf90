// One visitor for a component's state: the same `visit` function saves, loads, prints, hashes and compares it.
// Values are named, so a saved state stays readable when a component gains or loses a field.
#pragma once

#include <array>
#include <concepts>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

class State {
 public:
  virtual ~State() = default;

  // Groups the fields visited until `leave`. The version is saved; a loading component asks `version()` for what it
  // got.
  virtual void enter(std::string_view name, u32 version) = 0;
  virtual void leave() = 0;
  virtual u32 version() const = 0;
  virtual bool loading() const = 0;

  template <class T>
  requires(std::integral<T> || std::is_enum_v<T>) void field(std::string_view name, T& value) {
    u64 wide = static_cast<u64>(value);
    scalar(name, wide, sizeof(T));
    value = static_cast<T>(wide);
  }

  template <class Tag, class Rep>
  void field(std::string_view name, Strong<Tag, Rep>& value) {
    field(name, value.value);
  }

  template <class T, std::size_t N>
  requires(std::integral<T> && !std::same_as<T, bool>) void field(std::string_view name, std::array<T, N>& values) {
    blob(name, {reinterpret_cast<u8*>(values.data()), sizeof(T) * N});
  }

  // A vector keeps its length with it; a loaded length above `most` is an error of the saved state.
  template <class T>
  requires(std::integral<T> && !std::same_as<T, bool>) void field(std::string_view name, std::vector<T>& values,
                                                                  std::size_t most) {
    u64 count = values.size();
    scalar(name, count, sizeof count);
    if (count > most) refuse(name);
    values.resize(count);
    blob(name, {reinterpret_cast<u8*>(values.data()), sizeof(T) * count});
  }

  virtual void scalar(std::string_view name, u64& value, std::size_t bytes) = 0;
  virtual void blob(std::string_view name, std::span<u8> bytes) = 0;

 protected:
  [[noreturn]] static void refuse(std::string_view name);
};

// `enter` and `leave` as a scope.
class StateSection {
 public:
  StateSection(State& state, std::string_view name, u32 version = 1) : state_(state) { state_.enter(name, version); }
  // Leaving may find the saved state malformed and throw, but not while another error is already on its way.
  ~StateSection() noexcept(false) {
    if (std::uncaught_exceptions() == uncaught_) state_.leave();
  }
  StateSection(const StateSection&) = delete;
  StateSection& operator=(const StateSection&) = delete;

 private:
  State& state_;
  int uncaught_ = std::uncaught_exceptions();
};

// Writes a tagged byte string that StateReader reads back.
class StateWriter final : public State {
 public:
  void enter(std::string_view name, u32 version) override;
  void leave() override;
  u32 version() const override { return versions_.back(); }
  bool loading() const override { return false; }
  void scalar(std::string_view name, u64& value, std::size_t bytes) override;
  void blob(std::string_view name, std::span<u8> bytes) override;

  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  void put(const void* from, std::size_t count);
  void tag(char kind, std::string_view name);

  std::vector<u8> bytes_;
  std::vector<u32> versions_;
};

// Reads what StateWriter wrote; throws ConfigError naming the field when the bytes do not fit.
class StateReader final : public State {
 public:
  explicit StateReader(std::span<const u8> bytes) : bytes_(bytes) {}

  void enter(std::string_view name, u32 version) override;
  void leave() override;
  u32 version() const override { return versions_.back(); }
  bool loading() const override { return true; }
  void scalar(std::string_view name, u64& value, std::size_t bytes) override;
  void blob(std::string_view name, std::span<u8> bytes) override;

 private:
  void take(void* to, std::size_t count, std::string_view name);
  void expect(char kind, std::string_view name);

  std::span<const u8> bytes_;
  std::size_t at_ = 0;
  std::vector<u32> versions_;
};

// A 64-bit hash of everything visited (FNV-1a over the tagged form, eight bytes at a time for blobs).
class StateHasher final : public State {
 public:
  void enter(std::string_view name, u32 version) override;
  void leave() override {}
  u32 version() const override { return version_; }
  bool loading() const override { return false; }
  void scalar(std::string_view name, u64& value, std::size_t bytes) override;
  void blob(std::string_view name, std::span<u8> bytes) override;

  u64 hash() const { return hash_; }

 private:
  void mix(const void* from, std::size_t count);

  u64 hash_ = 0xcbf29ce484222325;
  u32 version_ = 0;
};

// "section.field = value" lines, for people and for diffs.
class StatePrinter final : public State {
 public:
  void enter(std::string_view name, u32 version) override;
  void leave() override;
  u32 version() const override { return version_; }
  bool loading() const override { return false; }
  void scalar(std::string_view name, u64& value, std::size_t bytes) override;
  void blob(std::string_view name, std::span<u8> bytes) override;

  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> path_;
  u32 version_ = 0;
};

}  // namespace penumbra
