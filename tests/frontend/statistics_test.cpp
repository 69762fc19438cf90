// What --stats prints.
#include "frontend/statistics.h"

#include <doctest/doctest.h>

#include <sstream>

#include "tests/support/fake_guest.h"

using namespace penumbra;

// The engine's counts are a name, a total and a rate, whatever they are called.
TEST_CASE("counts of the engine stand in total and a second") {
  test::FakeGuest guest;
  guest.instruction_count = 123'456'789;
  Statistics statistics(guest);
  while (statistics.host_seconds() < 0.01) {
  }
  const std::string text = statistics.full();
  CAPTURE(text);
  CHECK(text.find("instructions  123456789\n") != std::string::npos);
  std::istringstream lines(text.substr(text.find("blocks made")));
  std::string blocks, made, never;
  u64 total = 0, rate = 0, none = 1, no_rate = 1;
  lines >> blocks >> made >> total >> rate >> never >> none >> no_rate;
  CHECK(total == 5'000'000);
  CHECK(static_cast<double>(rate) >= 5e6 / statistics.host_seconds());
  CHECK(rate <= 5'000'000 * 100);
  CHECK(never == "never");
  CHECK(none == 0);
  CHECK(no_rate == 0);
}

TEST_CASE("no speed is told where instructions are not counted") {
  test::FakeGuest guest;
  Statistics statistics(guest);
  CHECK(statistics.full().find("MIPS") != std::string::npos);
  CHECK(statistics.brief().find("MIPS") != std::string::npos);
  guest.counts = false;
  for (const std::string& text : {statistics.full(), statistics.brief()}) {
    CHECK(text.find("MIPS") == std::string::npos);
    CHECK(text.find("instructions") == std::string::npos);
    CHECK(text.find("busy") != std::string::npos);
  }
}
