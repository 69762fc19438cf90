// Pages of code that the guest keeps writing to: generated and patched code, and DOS programs' data beside their code.
// Trapping each write costs more there than blocks that compare their bytes whenever they are entered.
#pragma once

#include <optional>
#include <unordered_map>

#include "core/base/types.h"

namespace penumbra {

class WrittenPages {
 public:
  // `most`: what trapped writes may cost in a while before a page's blocks are to check themselves, in writes.
  explicit WrittenPages(u32 most) : most_(most) {}

  // Charges a page with what a trapped write has cost. `now` counts instructions. True: it has become one whose blocks
  // check themselves.
  bool charge(u32 frame, u32 cost, u64 now);
  // Whether a block made now has to check itself. A page on which no block has found a change for long is watched
  // again.
  bool checked(u32 frame, u64 now);
  // A block of the page has found its bytes changed.
  void changed(u32 frame, u64 now);

  // The immediate at a physical address is to be read where it stands. Its number; none where there are `most` already.
  std::optional<u32> read_immediate(u64 physical, u32 most);
  // The number, if it is.
  std::optional<u32> immediate(u64 physical) const;
  // No emitted code is left that reads one.
  void forget_immediates() { immediates_.clear(); }

 private:
  struct Page {
    u64 since = 0;
    u32 cost = 0;
    bool checked = false;
  };

  u32 most_;
  std::unordered_map<u32, Page> pages_;
  std::unordered_map<u64, u32> immediates_;
};

}  // namespace penumbra
