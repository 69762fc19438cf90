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
  ROW(entries, "entries of emitted code")                        \
  ROW(lookups, "exits for an indirect branch")                   \
  ROW(interpreted, "exits for the interpreter")                  \
  ROW(hidden_faults, "hidden faults answered by mapping")        \
  ROW(soft_accesses, "faults answered by the interpreter")       \
  ROW(invalidated, "blocks invalidated by writes to their code") \
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
