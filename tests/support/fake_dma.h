// A DMA channel over a vector: the device's end without an 8237.
#pragma once

#include <algorithm>
#include <vector>

#include "core/platform/dma.h"

namespace penumbra {

struct FakeDma final : DmaChannel {
  // The next transfer moves `bytes` of `memory` from its start.
  void program(std::size_t bytes) {
    at = 0;
    limit = bytes;
    memory.resize(std::max(memory.size(), bytes));
    open = true;
    if (requested && action) action();
  }

  void request(bool level) override { requested = level; }
  bool ready() const override { return open; }
  DmaTransfer transfer() const override { return DmaTransfer::none; }
  std::size_t to_memory(std::span<const u8> bytes) override {
    const std::size_t count = take(bytes.size());
    std::copy_n(bytes.begin(), count, memory.begin() + static_cast<std::ptrdiff_t>(at - count));
    return count;
  }
  std::size_t from_memory(std::span<u8> bytes) override {
    const std::size_t count = take(bytes.size());
    std::copy_n(memory.begin() + static_cast<std::ptrdiff_t>(at - count), count, bytes.begin());
    return count;
  }
  bool terminal_count() const override { return ended; }
  void when_ready(std::function<void()> what) override { action = std::move(what); }

  std::size_t take(std::size_t wanted) {
    ended = false;
    if (!open) return 0;
    const std::size_t count = std::min(wanted, limit - at);
    at += count;
    ended = at == limit;
    if (ended) open = false;
    return count;
  }

  std::vector<u8> memory;
  std::size_t at = 0;
  std::size_t limit = 0;
  bool open = false;
  bool ended = false;
  bool requested = false;
  std::function<void()> action;
};

}  // namespace penumbra
