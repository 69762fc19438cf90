// What the translator counts, for --stats. A counter is one row.
#pragma once

#include <vector>

#include "core/debug/event_count.h"

namespace penumbra {

// name, what --stats calls it
#define PENUMBRA_TRANSLATOR_COUNTERS(ROW)                        \
  ROW(blocks, "blocks translated")                               \
  ROW(guest_bytes, "guest bytes translated")                     \
  ROW(code_bytes, "host bytes emitted")                          \
  ROW(links, "direct branches linked")                           \
  ROW(cuts, "links cut, as their target's page changed")         \
  ROW(entries, "entries of emitted code")                        \
  ROW(lookups, "exits for an indirect branch")                   \
  ROW(interpreted, "exits for the interpreter")                  \
  ROW(other_modes, "times the state was none for emitted code")  \
  ROW(promoted, "blocks made anew for the window")               \
  ROW(demoted, "blocks made anew for the software TLB")          \
  ROW(hidden_faults, "hidden faults answered by mapping")        \
  ROW(mapped_pages, "pages mapped by them")                      \
  ROW(soft_fills, "software TLB entries filled")                 \
  ROW(soft_accesses, "accesses answered by the interpreter")     \
  ROW(full_drops, "times all translations were dropped")         \
  ROW(local_drops, "times all but global ones were dropped")     \
  ROW(new_spaces, "address spaces met anew")                     \
  ROW(window_switches, "times GS went to another window")        \
  ROW(page_drops, "INVLPG")                                      \
  ROW(invalidated, "blocks invalidated by writes to their code") \
  ROW(checked_pages, "pages whose blocks compare their bytes")   \
  ROW(stale, "blocks that found them changed")                   \
  ROW(flushes, "times the code cache was dropped")

struct TranslatorCounters {
#define PENUMBRA_COUNTER(name, text) u64 name = 0;
  PENUMBRA_TRANSLATOR_COUNTERS(PENUMBRA_COUNTER)
#undef PENUMBRA_COUNTER

  std::vector<EventCount> list() const {
#define PENUMBRA_COUNTER(name, text) {text, name},
    return {PENUMBRA_TRANSLATOR_COUNTERS(PENUMBRA_COUNTER)};
#undef PENUMBRA_COUNTER
  }
};

}  // namespace penumbra
