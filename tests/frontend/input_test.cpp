// Keys, hot keys, the escape filter, the line editor, and where the picture goes.
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "frontend/escape.h"
#include "frontend/hot_keys.h"
#include "frontend/keys.h"
#include "frontend/line_editor.h"
#include "frontend/suggest.h"
#include "tests/support/fake_guest.h"

using namespace penumbra;
using namespace penumbra::test;

namespace {

constexpr unsigned kCtrl = 224, kAlt = 226, kG = 10, kA = 4;

std::vector<u8> bytes(std::string_view text) { return {text.begin(), text.end()}; }

}  // namespace

TEST_CASE("HID usages are the keys they print") {
  // From the usage of each letter and digit to the code its character has in the typing table.
  for (char c = 'a'; c <= 'z'; ++c)
    CHECK(*key_at_usage(static_cast<unsigned>(4 + c - 'a')) == stroke_for_character(c)->keys.back());
  for (char c = '1'; c <= '9'; ++c)
    CHECK(*key_at_usage(static_cast<unsigned>(30 + c - '1')) == stroke_for_character(c)->keys.back());
  const std::pair<unsigned, const char*> named[] = {
      {39, "0"},       {40, "ENTER"},  {41, "ESC"},     {42, "BACKSPACE"}, {43, "TAB"},     {44, "SPACE"},
      {45, "-"},       {46, "="},      {47, "["},       {48, "]"},         {49, "\\"},      {51, ";"},
      {52, "'"},       {53, "`"},      {54, ","},       {55, "."},         {56, "/"},       {57, "CAPSLOCK"},
      {58, "F1"},      {67, "F10"},    {68, "F11"},     {69, "F12"},       {70, "PRTSC"},   {71, "SCROLLLOCK"},
      {72, "PAUSE"},   {73, "INSERT"}, {74, "HOME"},    {75, "PGUP"},      {76, "DEL"},     {77, "END"},
      {78, "PGDN"},    {79, "RIGHT"},  {80, "LEFT"},    {81, "DOWN"},      {82, "UP"},      {83, "NUMLOCK"},
      {84, "KPSLASH"}, {85, "KPSTAR"}, {86, "KPMINUS"}, {87, "KPPLUS"},    {88, "KPENTER"}, {89, "KP1"},
      {90, "KP2"},     {91, "KP3"},    {92, "KP4"},     {93, "KP5"},       {94, "KP6"},     {95, "KP7"},
      {96, "KP8"},     {97, "KP9"},    {98, "KP0"},     {99, "KPDOT"},     {101, "MENU"},   {224, "CTRL"},
      {225, "SHIFT"},  {226, "ALT"},   {227, "WIN"},    {228, "RCTRL"},    {229, "RSHIFT"}, {230, "ALTGR"}};
  for (const auto& key : named) {
    CAPTURE(key.second);
    CHECK(*key_at_usage(key.first) == stroke_named(key.second).keys.back());
  }
  CHECK(*key_at_usage(115) == 0x76);  // F24
  CHECK(*key_at_usage(135) == 0x73);  // the key of Brazilian and Japanese keyboards
  CHECK_FALSE(key_at_usage(0));
  CHECK_FALSE(key_at_usage(1000));
}

TEST_CASE("strokes carry their modifiers and what a terminal sends") {
  CHECK(stroke_named("ctrl-c").bytes == "\x03");
  CHECK(stroke_named("CTRL-C").keys == std::vector<KeyCode>{0x1D, 0x2E});
  CHECK(stroke_named("ctrl-alt-del").keys == std::vector<KeyCode>{0x1D, 0x38, 0xE053});
  CHECK(stroke_named("ctrl-alt-del").bytes.empty());
  CHECK(stroke_named("alt-f4").bytes == "\x1b\x1bOS");
  CHECK(stroke_named("ctrl-[").bytes == "\x1b");
  CHECK(stroke_named("%").keys == std::vector<KeyCode>{0x2A, 0x06});
  CHECK_THROWS_AS(stroke_named(""), ConfigError);
  CHECK_THROWS_AS(stroke_named("ctrl-"), ConfigError);
}

TEST_CASE("hot keys are commands, everything else is the guest's") {
  FakeKeyboard keyboard;
  HotKeys keys(keyboard);
  CHECK_FALSE(keys.key(kG, true));
  CHECK_FALSE(keys.key(kG, false));
  CHECK(keyboard.events == std::vector<u32>{0x22, 0x10022});
  keyboard.events.clear();
  keys.key(kCtrl, true);
  keys.key(kAlt, true);
  CHECK(keys.key(kG, true) == WindowCommand::free_mouse);
  CHECK_FALSE(keys.key(kG, true));  // repeats
  CHECK_FALSE(keys.key(kG, false));
  CHECK_FALSE(keys.key(kA, true));  // no command
  CHECK(keyboard.events == std::vector<u32>{0x1D, 0x38, 0x1E});
  keyboard.events.clear();
  keys.release_all();
  CHECK(keyboard.events.size() == 3);
  keys.key(kCtrl, false);  // pressed before the window had the keyboard
  CHECK(keyboard.events.size() == 3);
}

TEST_CASE("Ctrl+Alt+Insert types Ctrl+Alt+Delete") {
  FakeKeyboard keyboard;
  HotKeys keys(keyboard);
  keys.key(kCtrl, true);
  keys.key(kAlt, true);
  keys.key(73, true);
  keys.key(73, false);
  CHECK(keyboard.events == std::vector<u32>{0x1D, 0x38, 0xE053, 0x1E053});
}

TEST_CASE("Ctrl-A leads out, and only that") {
  int quits = 0, helps = 0;
  std::string monitor;
  EscapeFilter filter({.quit = [&] { ++quits; },
                       .help = [&] { ++helps; },
                       .switched = [](bool) {},
                       .monitor_key = [&](char c) { monitor += c; }});
  CHECK(filter.filter(bytes("ab\x03")) == bytes("ab\x03"));
  CHECK(filter.filter(bytes("x\x01")) == bytes("x"));
  CHECK(filter.filter(bytes("x")).empty());
  CHECK(quits == 1);
  CHECK(filter.filter(bytes("\x01\x01z")) == bytes("\x01z"));
  CHECK(filter.filter(bytes("\x01h\x01q")).empty());
  CHECK(helps == 2);
  CHECK(filter.filter(bytes("\x01"
                            "cinfo\r\x01"
                            "cback")) == bytes("back"));
  CHECK(monitor == "info\r");
}

TEST_CASE("the line editor") {
  std::string shown, line;
  LineEditor editor([&](std::string_view text) { shown += text; }, [&](const std::string& text) { line = text; });
  for (const char c : std::string("abx\x7f"
                                  "c\x1b[A\x1bOB\x1b[3~d\r"))
    editor.key(c);
  CHECK(line == "abcd");
  for (const char c : std::string("gone\x15kept\n")) editor.key(c);
  CHECK(line == "kept");
}

TEST_CASE("pictures fit their window") {
  const auto is = [](const Placement& p, int x, int y, int w, int h) {
    CAPTURE(p.x);
    CAPTURE(p.y);
    CAPTURE(p.width);
    CAPTURE(p.height);
    CHECK((p.x == x && p.y == y && p.width == w && p.height == h));
  };
  is(place_picture(720, 400, 720, 400), 0, 0, 720, 400);
  is(place_picture(1920, 1080, 720, 400), 240, 140, 1440, 800);
  is(place_picture(1920, 1080, 1024, 768), 240, 0, 1440, 1080);
  is(place_picture(360, 200, 720, 400), 0, 0, 360, 200);
  is(place_picture(800, 480, 640, 480), 80, 0, 640, 480);
  const Placement tiny = place_picture(1, 1, 65535, 1);
  CHECK((tiny.width >= 1 && tiny.height >= 1));
  place_picture(0, 0, 0, 0);
}

TEST_CASE("suggestions are near, or none") {
  constexpr std::string_view kWords[] = {"memory", "monitor", "cdrom"};
  CHECK(nearest("memroy", kWords) == "memory");
  CHECK(nearest("CDROM", kWords) == "cdrom");
  CHECK(nearest("mon", kWords) == "monitor");
  CHECK(nearest("zzzzzz", kWords).empty());
  CHECK(nearest("", kWords).empty());
  CHECK(nearest(std::string(100'000, 'a'), kWords).empty());
  CHECK(edit_distance("abcd", "acbd") == 1);
  CHECK(edit_distance("", "abc") == 3);
}
