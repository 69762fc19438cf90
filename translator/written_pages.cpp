// Costs by page, in a while that begins with the first write counted.
#include "translator/written_pages.h"

namespace penumbra {

namespace {

// In instructions.
constexpr u64 kWhile = 20'000'000;
constexpr u64 kLong = 2'000'000'000;

}  // namespace

bool WrittenPages::charge(u32 frame, u32 cost, u64 now) {
  Page& page = pages_[frame];
  if (now - page.since > kWhile) page = {now, 0, page.checked};
  page.cost += cost;
  if (page.checked || page.cost < most_) return false;
  page.checked = true;
  return true;
}

bool WrittenPages::checked(u32 frame, u64 now) {
  if (pages_.empty()) return false;
  const auto found = pages_.find(frame);
  if (found == pages_.end()) return false;
  if (now - found->second.since > kLong) {
    pages_.erase(found);
    return false;
  }
  return found->second.checked;
}

void WrittenPages::changed(u32 frame, u64 now) {
  if (const auto found = pages_.find(frame); found != pages_.end()) found->second.since = now;
}

std::optional<u32> WrittenPages::read_immediate(u64 physical, u32 most) {
  if (immediates_.size() >= most) return immediate(physical);
  return immediates_.try_emplace(physical, static_cast<u32>(immediates_.size())).first->second;
}

std::optional<u32> WrittenPages::immediate(u64 physical) const {
  if (immediates_.empty()) return std::nullopt;
  const auto found = immediates_.find(physical);
  return found == immediates_.end() ? std::nullopt : std::optional(found->second);
}

}  // namespace penumbra
