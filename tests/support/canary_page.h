// A page of host memory, filled with a pattern, at an address that stray accesses would hit.
#pragma once

#include <sys/mman.h>

#include <algorithm>

#include "core/base/types.h"

namespace penumbra {

class CanaryPage {
 public:
  // The page that holds `host`. Where something else is mapped there, there is no canary, and it is always whole.
  explicit CanaryPage(u64 host) {
    void* wanted = reinterpret_cast<void*>(host & ~u64{kPageMask});
    void* got =
        mmap(wanted, kPageSize, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    if (got == MAP_FAILED) return;
    page_ = static_cast<u8*>(got);
    if (got == wanted) std::fill(page_, page_ + kPageSize, kPattern);
    placed_ = got == wanted;
  }
  ~CanaryPage() {
    if (page_) munmap(page_, kPageSize);
  }
  CanaryPage(const CanaryPage&) = delete;
  CanaryPage& operator=(const CanaryPage&) = delete;

  bool placed() const { return placed_; }
  bool whole() const {
    return !placed_ || std::all_of(page_, page_ + kPageSize, [](u8 byte) { return byte == kPattern; });
  }

 private:
  static constexpr u8 kPattern = 0xC9;
  u8* page_ = nullptr;
  bool placed_ = false;
};

}  // namespace penumbra
