// Typing, waiting for text, and the log that is searched for it.
#include "frontend/script.h"

#include <doctest/doctest.h>

#include "core/base/error.h"

using namespace penumbra;

namespace {

struct FakeKeyboard final : KeyboardPort {
  void key(KeyCode code, bool pressed) override { events.push_back(pressed ? code : code | 0x10000u); }
  bool busy() const override { return is_busy; }
  std::vector<u32> events;
  bool is_busy = false;
};

struct FakeDisplay final : Display {
  bool render(Picture&) override { return false; }
  std::vector<std::string> text() const override { return lines; }
  std::vector<std::string> lines;
};

struct Fixture {
  FakeKeyboard keyboard;
  FakeDisplay display;
  TextLog com1, com2;
  std::string sent;
  bool room = true;
  Ticks now{0};

  Script script(std::vector<ScriptStep> steps, TypeTarget target = TypeTarget::keyboard) {
    return Script(std::move(steps),
                  {keyboard,
                   display,
                   {&com1, &com2},
                   [this](unsigned line, std::string_view bytes) {
                     if (!room) return false;
                     sent += std::to_string(line + 1);
                     sent += bytes;
                     return true;
                   }},
                  target);
  }
  void write(TextLog& log, std::string_view text) {
    for (const char c : text) log.add(static_cast<u8>(c));
  }
  void run(Script& script, i64 ms) {
    for (const Ticks end = now + ms * 1'000'000; now < end; now += 5'000'000) script.poll(now);
  }
};

std::vector<ScriptStep> steps_of(std::initializer_list<std::pair<char, std::string>> list) {
  std::vector<ScriptStep> steps;
  for (const auto& [kind, text] : list) {
    if (kind == 'e') {
      steps.push_back(parse_expect(text));
    } else {
      for (ScriptStep& step : parse_type(text)) steps.push_back(step);
    }
  }
  return steps;
}

}  // namespace

TEST_CASE("typed characters become presses and releases, shifted where the keyboard shifts") {
  Fixture f;
  Script script = f.script(parse_type("aB{ENTER}{CTRL-ALT-DELETE}"));
  f.run(script, 500);
  CHECK(script.done());
  CHECK(f.keyboard.events == std::vector<u32>{0x1E, 0x1001E, 0x2A, 0x30, 0x10030, 0x1002A, 0x1C, 0x1001C, 0x1D, 0x38,
                                              0xE053, 0x1E053, 0x10038, 0x1001D});
}

TEST_CASE("typing waits for the guest and leaves time between keys") {
  Fixture f;
  Script script = f.script(parse_type("ab"));
  f.keyboard.is_busy = true;
  f.run(script, 100);
  CHECK(f.keyboard.events.empty());
  f.keyboard.is_busy = false;
  f.run(script, 10);
  CHECK(f.keyboard.events.size() == 1);
  f.run(script, 10);
  CHECK(f.keyboard.events.size() == 2);
}

TEST_CASE("WAIT takes guest time") {
  Fixture f;
  Script script = f.script(parse_type("{WAIT 100}x"));
  f.run(script, 95);
  CHECK(f.keyboard.events.empty());
  f.run(script, 50);
  CHECK(f.keyboard.events.size() == 2);
}

TEST_CASE("typing on a serial line sends what a terminal would") {
  Fixture f;
  Script script = f.script(parse_type("r{UP}{CTRL-C}{ALT-x}{COM2}q{ENTER}{KEYBOARD}z"), TypeTarget::com1);
  f.room = false;
  f.run(script, 50);
  CHECK(f.sent.empty());
  f.room = true;
  f.run(script, 50);
  CHECK(script.done());
  CHECK(f.sent == std::string("1r1\x1b[A1\x03") + "1\x1bx2q2\r");
  CHECK(f.keyboard.events == std::vector<u32>{0x2C, 0x1002C});
}

TEST_CASE("scripts that cannot be typed are refused") {
  for (const char* bad :
       {"", "{", "{}", "{NOKEY}", "{WAIT}", "{WAIT x}", "{CTRL-}", "x\xC3\xA9", "{CTRL-NOKEY}", "\x01"}) {
    CAPTURE(bad);
    CHECK_THROWS_AS(parse_type(bad), ConfigError);
  }
  CHECK(parse_type("{{}{}}{-}").size() == 3);
  CHECK(parse_type("{CTRL--}")[0].stroke.keys == std::vector<KeyCode>{0x1D, 0x0C});
}

TEST_CASE("an expectation is met by either serial line or by the screen, in order") {
  Fixture f;
  Script script = f.script(steps_of({{'e', "one"}, {'e', "two"}, {'e', "three"}}));
  CHECK(script.ends_with_expect());
  f.run(script, 10);
  CHECK(script.awaited() == "one");
  f.write(f.com2, "xxoneyy");
  f.run(script, 10);
  CHECK(script.awaited() == "two");
  f.display.lines = {"", "  two"};
  f.run(script, 10);
  CHECK(script.awaited() == "three");
  CHECK(script.expects_left());
  f.write(f.com1, "thr");
  f.run(script, 10);
  CHECK_FALSE(script.done());
  f.write(f.com1, "ee");
  f.run(script, 10);
  CHECK(script.done());
  CHECK_FALSE(script.expects_left());
}

TEST_CASE("what met one expectation does not meet the next") {
  Fixture f;
  f.write(f.com1, "# ");
  Script script = f.script(steps_of({{'e', "# "}, {'e', "# "}}));
  f.run(script, 10);
  CHECK_FALSE(script.done());
  f.write(f.com1, "ls\r\n# ");
  f.run(script, 10);
  CHECK(script.done());
}

TEST_CASE("control sequences do not hide text, and do not stand in for it") {
  Fixture f;
  f.write(f.com1, "\x1b[2J\x1b[1;31mlog\x1b[0min\x1b]0;title\x07:\x1b(B ok\r\n");
  u64 at = 0;
  CHECK(f.com1.find("login: ok\n", at));
  at = 0;
  CHECK(f.com1.find("\x1b[1;31m", at));
  at = 0;
  CHECK_FALSE(f.com1.find("title:", at));
  CHECK(f.com1.tail(3) == "ok\n");
}

TEST_CASE("a long log keeps its end and its positions") {
  TextLog log;
  u64 at = 0;
  for (unsigned i = 0; i < 3 * TextLog::kKept; ++i) log.add(static_cast<u8>('a' + i % 26));
  for (const char c : std::string("\x1b[1mEND")) log.add(static_cast<u8>(c));
  CHECK(log.find("END", at));
  CHECK(at == log.total());
  CHECK(log.find("END", at) == false);
  CHECK(log.total() == 3 * TextLog::kKept + 7);
}

TEST_CASE("screen text matches across what the screen leaves out") {
  CHECK(screen_shows({"C:\\>"}, "C:\\> "));
  CHECK(screen_shows({"0123456789", "abc"}, "789abc"));
  CHECK_FALSE(screen_shows({"0123", "0123456789", "abc"}, "123012"));
  CHECK(screen_shows({"a", "b"}, "a\nb") == false);
  CHECK_FALSE(screen_shows({}, "x"));
}
