// By the state's own visitor, so that no field is forgotten.
#include "translator/state_difference.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "core/base/bits.h"

namespace penumbra {

namespace {

// Every field as words of up to 8 bytes, with its name.
class StateList final : public State {
 public:
  void enter(std::string_view name, u32) override { path_.emplace_back(name); }
  void leave() override { path_.pop_back(); }
  u32 version() const override { return 1; }
  bool loading() const override { return false; }
  void scalar(std::string_view name, u64& value, std::size_t) override {
    words.emplace_back(fmt::format("{}.{}", fmt::join(path_, "."), name), value);
  }
  void blob(std::string_view name, std::span<u8> bytes) override {
    for (std::size_t at = 0; at < bytes.size(); at += 8) {
      u64 word = 0;
      std::memcpy(&word, bytes.data() + at, std::min<std::size_t>(8, bytes.size() - at));
      scalar(fmt::format("{}+{}", name, at), word, 8);
    }
  }

  std::vector<std::pair<std::string, u64>> words;

 private:
  std::vector<std::string> path_;
};

StateList list_of(CpuState state) {
  StateList list;
  state.visit(list);
  return list;
}

}  // namespace

std::string state_difference(const CpuState& interpreter, const CpuState& translator) {
  const StateList wanted = list_of(interpreter), is = list_of(translator);
  std::string text;
  for (std::size_t n = 0; n < wanted.words.size(); ++n)
    if (wanted.words[n].second != is.words[n].second)
      text += fmt::format("  {}: interpreter {:x}, translator {:x}\n", wanted.words[n].first, wanted.words[n].second,
                          is.words[n].second);
  return text;
}

}  // namespace penumbra
