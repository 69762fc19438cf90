// What a person sees of the translator's work: counts, names for perf, listings; and what is kept from it for
// bisecting.
#include <fmt/format.h>

#include <algorithm>

#include "translator/listing.h"
#include "translator/translator.h"

namespace penumbra {

std::vector<EventCount> Translator::counts() const {
  std::vector<EventCount> list = counters_.list();
  for (std::size_t n = 0; n < themes().size(); ++n)
    if (emitted_[n]) list.push_back({fmt::format("instructions emitted: {}", themes()[n].name), emitted_[n]});
  if (lockstep_) {
    const Lockstep::Counters& c = lockstep_->counters();
    list.insert(list.end(), {{"lockstep: blocks compared", c.blocks},
                             {"lockstep: instructions compared", c.instructions},
                             {"lockstep: writes compared", c.writes},
                             {"lockstep: rehearsals shortened", c.shortened}});
  }
  return list;
}

Emission Translator::emission_of(const Decoder::Decoded& decoded) const {
  return options_.interpreted_themes >> theme_of(decoded.z) & 1 ? Emission::helper : decoded.row->emission;
}

void Translator::name_thunks() {
  const auto names = thunks_.names();
  for (std::size_t n = 0; n < names.size(); ++n) {
    const u64 end = n + 1 < names.size() ? names[n + 1].offset : thunks_.bytes;
    perf_map_->add(reinterpret_cast<u64>(buffer_.code(names[n].offset)), end - names[n].offset,
                   fmt::format("thunk_{}", names[n].name));
  }
}

void Translator::show(const TranslatedBlock& block, std::span<const u8> guest) const {
  const auto inside = [&](u32 address) { return address - block.eip < block.bytes; };
  if (!options_.listed.empty() && std::none_of(options_.listed.begin(), options_.listed.end(), inside)) return;
  for (const std::string& line :
       list_block(block, guest, {buffer_.code(block.code), block.code_bytes}, thunks_, sites_))
    cpu_.trace().line(Channel::translation, "{}", line);
}

}  // namespace penumbra
