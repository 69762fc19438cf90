// A guest made of a few lines of C++: each slice calls a function that may write to ports, draw a screen, or stop.
#pragma once

#include <poll.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "frontend/guest.h"

namespace penumbra::test {

struct FakePort final : CharacterPort {
  void send_to(Sink to) override { sink = std::move(to); }
  std::size_t room() const override { return room_left; }
  void receive(std::span<const u8> bytes) override { received.append(bytes.begin(), bytes.end()); }
  void write(std::string_view text) {
    for (const char c : text)
      if (sink) sink(static_cast<u8>(c));
  }
  Sink sink;
  std::size_t room_left = 1000;
  std::string received;
};

struct FakeKeyboard final : KeyboardPort {
  void key(KeyCode code, bool pressed) override { events.push_back(pressed ? code : code | 0x10000u); }
  bool busy() const override { return is_busy; }
  std::vector<u32> events;  // releases have bit 16 set
  bool is_busy = false;
};

struct FakeMouse final : MousePort {
  void move(i32 dx, i32 dy, i32 dz) override {
    x += dx;
    y += dy;
    wheel += dz;
  }
  void button(MouseButton button, bool pressed) override { events.emplace_back(button, pressed); }
  i32 x = 0, y = 0, wheel = 0;
  std::vector<std::pair<MouseButton, bool>> events;
};

struct FakeDisplay final : Display {
  bool render(Picture& picture) override {
    const bool changed = picture.pixels != shown.pixels;
    picture = shown;
    return changed;
  }
  std::vector<std::string> text() const override { return lines; }
  Picture shown{2, 2, {0x102030, 0xFF0000, 0x00FF00, 0x0000FF}};
  std::vector<std::string> lines;
};

// 64 KiB of memory from linear address 0, and an eip that counts.
struct FakeDebugTarget final : DebugTarget {
  DebugRegisters registers() override { return values; }
  void set_registers(const DebugRegisters& to) override { values = to; }
  bool read(LinearAddr from, std::span<u8> to) override {
    if (from.value + to.size() > memory.size()) return false;
    std::copy_n(memory.begin() + from.value, to.size(), to.begin());
    return true;
  }
  bool write(LinearAddr to, std::span<const u8> from) override {
    if (to.value + from.size() > memory.size()) return false;
    std::copy(from.begin(), from.end(), memory.begin() + to.value);
    return true;
  }
  bool add_breakpoint(BreakKind kind, LinearAddr at, u32) override {
    breakpoints.emplace_back(kind, at.value);
    return breakpoints.size() <= 4;
  }
  bool remove_breakpoint(BreakKind kind, LinearAddr at, u32) override {
    return std::erase(breakpoints, std::pair(kind, at.value)) != 0;
  }
  void remove_all_breakpoints() override { breakpoints.clear(); }
  std::optional<Hit> last_hit() override { return hit; }
  void step_once() override { stepping = true; }
  std::string describe() override { return "eax=00000000\n"; }

  DebugRegisters values;
  std::vector<u8> memory = std::vector<u8>(65536);
  std::vector<std::pair<BreakKind, u32>> breakpoints;
  std::optional<Hit> hit;
  bool stepping = false;
};

struct FakeGuest final : Guest {
  std::optional<Stop> run_for(Ticks, int wake_file, Ticks idle_time, const std::function<void()>& asleep) override {
    ++slices;
    last_idle_time = idle_time;
    before_sleep = asleep;
    instruction_count += 1000;
    time += 10'000'000;
    if (debug.stepping) {
      debug.stepping = false;
      ++debug.values.eip;
      return Stop{StopReason::breakpoint, 0, ""};
    }
    if (const auto stop = program ? program(*this) : std::nullopt) return stop;
    pollfd entry{wake_file, POLLIN, 0};
    poll(&entry, 1, 1);
    return std::nullopt;
  }
  void reset() override { ++resets; }
  void power_button() override { ++power_presses; }
  Display& display() override { return screen; }
  KeyboardPort& keyboard() override { return keys; }
  MousePort& mouse() override { return pointer; }
  CharacterPort& serial(unsigned index) override { return com[index]; }
  CharacterPort& parallel() override { return lpt; }
  CharacterPort& debug_console() override { return console; }
  void change_floppy(unsigned drive, const DriveConfig& medium) override {
    changes.push_back("floppy" + std::to_string(drive) + "=" + medium.path);
  }
  void change_cdrom(unsigned drive, const DriveConfig& medium) override {
    changes.push_back("cd" + std::to_string(drive) + "=" + medium.path);
  }
  Ticks now() override { return time; }
  std::optional<u64> instructions() override { return counts ? std::optional(instruction_count) : std::nullopt; }
  std::vector<EventCount> engine_counts() override { return {{"blocks made", 5'000'000}, {"never", 0}}; }
  u64 state_hash() override { return instruction_count; }
  double busy_fraction() override { return 0.5; }
  bool disk_active() override { return false; }
  DebugTarget* debug_target() override { return &debug; }

  std::function<std::optional<Stop>(FakeGuest&)> program;
  unsigned slices = 0;
  Ticks last_idle_time{0};
  std::function<void()> before_sleep;
  u64 instruction_count = 0;
  bool counts = true;
  Ticks time{0};
  int resets = 0, power_presses = 0;
  FakePort com[2], lpt, console;
  FakeKeyboard keys;
  FakeMouse pointer;
  FakeDisplay screen;
  FakeDebugTarget debug;
  std::vector<std::string> changes;
};

}  // namespace penumbra::test
