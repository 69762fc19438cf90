// A block device in memory whose requests can be made to fail, and that counts its flushes.
#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <vector>

#include "core/platform/block_device.h"

namespace penumbra {

// Outlives the drive that holds its FakeMedium, so that tests can look at what was written.
struct FakeStore {
  explicit FakeStore(std::size_t bytes) : content(bytes) {}

  std::vector<u8> content;
  bool read_only = false;
  bool flush_fails = false;
  u64 bad_from = ~u64{0};  // requests that touch these bytes fail
  u64 bad_to = ~u64{0};
  u64 full_from = ~u64{0};  // writes from here on find no room
  u32 flushes = 0;

  // Sector n (of `size` bytes) holds its number in its first four bytes and a pattern behind them.
  void number_sectors(std::size_t size) {
    for (std::size_t n = 0; n * size < content.size(); ++n)
      for (std::size_t i = 0; i < size && n * size + i < content.size(); ++i)
        content[n * size + i] = i < 4 ? static_cast<u8>(n >> 8 * i) : static_cast<u8>(n + i);
  }
};

class FakeMedium final : public BlockDevice {
 public:
  explicit FakeMedium(FakeStore& store) : store_(store) {}

  u64 bytes() const override { return store_.content.size(); }
  bool read_only() const override { return store_.read_only; }
  const std::string& path() const override { return path_; }
  bool read(u64 offset, std::span<u8> to) override {
    if (!usable(offset, to.size())) return false;
    std::copy_n(store_.content.begin() + static_cast<std::ptrdiff_t>(offset), to.size(), to.begin());
    return true;
  }
  bool write(u64 offset, std::span<const u8> from) override {
    if (read_only() || !usable(offset, from.size()) || offset + from.size() > store_.full_from) return false;
    std::copy(from.begin(), from.end(), store_.content.begin() + static_cast<std::ptrdiff_t>(offset));
    return true;
  }
  bool flush() override {
    ++store_.flushes;
    return !store_.flush_fails;
  }

 private:
  bool usable(u64 offset, std::size_t count) const {
    if (count > store_.content.size() || offset > store_.content.size() - count) return false;
    return offset + count <= store_.bad_from || offset >= store_.bad_to;
  }

  FakeStore& store_;
  std::string path_ = "fake";
};

// A disk of any size that is made of zeros: for capacities beyond memory.
class VastMedium final : public BlockDevice {
 public:
  explicit VastMedium(u64 bytes) : bytes_(bytes) {}
  u64 bytes() const override { return bytes_; }
  bool read_only() const override { return false; }
  const std::string& path() const override { return path_; }
  bool read(u64 offset, std::span<u8> to) override {
    last_offset = offset;
    std::fill(to.begin(), to.end(), u8{0});
    return offset + to.size() <= bytes_;
  }
  bool write(u64 offset, std::span<const u8> from) override {
    last_offset = offset;
    return offset + from.size() <= bytes_;
  }
  bool flush() override { return true; }

  u64 last_offset = 0;

 private:
  u64 bytes_;
  std::string path_ = "vast";
};

}  // namespace penumbra
