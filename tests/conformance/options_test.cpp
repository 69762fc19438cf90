// The command line of `penumbra conform`.
#include "conformance/options.h"

#include <doctest/doctest.h>

#include <vector>

#include "core/base/error.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

Options parsed(std::vector<std::string> words) { return parse_options(words); }

std::string refusal(std::vector<std::string> words) {
  try {
    parse_options(words);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("what is given is taken, and what is not has its default") {
  const Options options =
      parsed({"--jobs", "3", "--shard", "2/4", "--seed", "0x10", "--cases", "500", "--engine", "lockstep", "--mmu",
              "soft", "--translator", "block=1", "--translator", "tlb=4", "boot"});
  CHECK(options.jobs == 3);
  CHECK(options.shard == 2);
  CHECK(options.shards == 4);
  CHECK(options.seed == 16);
  CHECK(options.cases == 500);
  CHECK(options.engine == "lockstep");
  CHECK(options.translator.mmu == MmuKind::soft);
  CHECK(options.translator.block_instructions == 1);
  CHECK(options.translator.tlb_entries == 4);
  // The boot suite hands them on to the program that it starts.
  CHECK(options.translator_words ==
        std::vector<std::string>{"--mmu", "soft", "--translator", "block=1", "--translator", "tlb=4"});
  CHECK(options.filters == std::vector<std::string>{"boot"});
  CHECK(parsed({}).engine == "interpreter");
  CHECK(parsed({}).keep_going);
  CHECK(!parsed({"--stop-at-failure"}).keep_going);
}

TEST_CASE("a bad option is named, with what is expected") {
  CHECK(refusal({"--engine", "fast"}) == "--engine: interpreter, translator or lockstep is expected, not 'fast'");
  CHECK(refusal({"--mmu", "none"}) == "--mmu: windows, registers or soft is expected, not 'none'");
  CHECK(refusal({"--translator", "blocks=1"}).starts_with("--translator: 'blocks=1': expected block=N"));
  CHECK(refusal({"--shard", "3"}) == "--shard: I/N is expected, as in 1/4");
  CHECK(refusal({"--shard", "5/4"}) == "--shard: I/N needs 1 <= I <= N");
  CHECK(refusal({"--jobs", "0"}) == "--jobs: 1 to 1024 is expected");
  CHECK(refusal({"--cases", "many"}) == "--cases: a number is expected, not 'many'");
  CHECK(refusal({"--cases"}) == "--cases: a value is expected");
  CHECK(refusal({"--colour"}) == "unknown option --colour");
}

TEST_CASE("a filter is a part of the name, or a glob over all of it") {
  const auto chosen = [](std::vector<std::string> filters, const char* name) {
    return selected(parse_options(filters), name);
  };
  CHECK(chosen({}, "boot/seabios/elks"));
  CHECK(chosen({"elks"}, "boot/seabios/elks"));
  CHECK(chosen({"cpu-gate", "seabios"}, "boot/seabios/elks"));
  CHECK(!chosen({"cpu-gate"}, "boot/seabios/elks"));
  CHECK(chosen({"boot/*/elks"}, "boot/seabios/elks"));
  CHECK(!chosen({"*/elk?x"}, "boot/seabios/elks"));
  CHECK(!chosen({"seabios/*"}, "boot/seabios/elks"));
}
