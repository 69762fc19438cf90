// What a person sees of the translator: counts, names for perf, and which blocks are shown.
#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <set>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

TEST_CASE("counts have each counter once, and the kinds that were emitted") {
  TranslatedCpu rig;
  CHECK(rig.run_code(GuestCode{0x01, 0xD8, 0x01, 0xD8, 0x50}.hlt()) == "");
  const Translator& translator = *rig.translated.translator;
  std::set<std::string> names;
  u64 arithmetic = 0, stack = 0, blocks = 0;
  for (const EventCount& c : translator.counts()) {
    CHECK(names.insert(c.name).second);
    if (c.name == "instructions emitted: arithmetic") arithmetic = c.total;
    if (c.name == "instructions emitted: stack") stack = c.total;
    if (c.name == "blocks translated") blocks = c.total;
  }
  CHECK(arithmetic == 2);
  CHECK(stack == 1);
  CHECK(blocks == translator.counters().blocks);
  CHECK(blocks > 0);
  CHECK_FALSE(names.contains("instructions emitted: x87"));
}

struct Named {
  u64 address, bytes;
  std::string name;
};

std::vector<Named> perf_map() {
  std::ifstream file(fmt::format("/tmp/perf-{}.map", getpid()));
  std::vector<Named> lines;
  Named line;
  while (file >> std::hex >> line.address >> line.bytes >> line.name) lines.push_back(line);
  return lines;
}

TEST_CASE("perf's map names thunks and blocks, one behind the other, and starts anew with the code cache") {
  const GuestCode code = GuestCode{0x43}.jump(kCode, kData);
  for (const bool forget : {false, true}) {
    CAPTURE(forget);
    {
      TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .forget_always = forget, .perf_map = true});
      rig.load(kData, GuestCode{0x42}.hlt());
      CHECK(rig.run_code(code) == "");
    }
    const std::vector<Named> lines = perf_map();
    std::set<std::string> names;
    for (std::size_t n = 0; n < lines.size(); ++n) {
      names.insert(lines[n].name);
      CHECK(lines[n].bytes > 0);
      if (n > 0) CHECK(lines[n].address == lines[n - 1].address + lines[n - 1].bytes);
    }
    for (const char* thunk : {"thunk_enter", "thunk_leave", "thunk_abandon", "thunk_stray_return"})
      CHECK(names.contains(thunk));
    // Forgotten again and again, the map has the last block only.
    CHECK(names.contains("guest_00020000") == !forget);
    CHECK(names.contains("guest_00030000"));
    std::remove(fmt::format("/tmp/perf-{}.map", getpid()).c_str());
  }
}

TEST_CASE("only blocks that cover an address asked for are shown; without one, all are") {
  struct Case {
    std::vector<u32> listed;
    bool first, second;
  };
  for (const Case& c : {Case{{}, true, true}, Case{{kCode + 1}, true, false}, Case{{kData}, false, true},
                        Case{{kCode + 0x20}, false, false}, Case{{kCode, kData + 1}, true, true}}) {
    TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .listed = c.listed});
    std::string text;
    rig.translated.trace.send_to([&](std::string_view line) { text += line; });
    rig.translated.trace.enable(Channel::translation);
    rig.load(kData, GuestCode{0x42}.hlt());
    CHECK(rig.run_code(GuestCode{0x43}.jump(kCode, kData)) == "");
    CAPTURE(text);
    CHECK((text.find("block 00020000") != std::string::npos) == c.first);
    CHECK((text.find("block 00030000") != std::string::npos) == c.second);
  }
}

}  // namespace
}  // namespace penumbra
