// Windows: what is mapped, split and dropped is what the host then lets us touch.
#include "mmu/window.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>
#include <algorithm>

#include <cstring>
#include <vector>

namespace penumbra {
namespace {

using Right = Window::Right;

// Through the kernel, which answers where the processor would fault. A pipe, because qemu-user has no process_vm_readv.
class Pipe {
 public:
  Pipe() { REQUIRE(pipe2(ends_, O_NONBLOCK) == 0); }
  ~Pipe() {
    close(ends_[0]);
    close(ends_[1]);
  }
  bool put(const void* from, u64 bytes) { return write(ends_[1], from, bytes) == static_cast<ssize_t>(bytes); }
  bool take(void* to, u64 bytes) { return read(ends_[0], to, bytes) == static_cast<ssize_t>(bytes); }

 private:
  int ends_[2];
};

bool readable(u64 host, u32& value) {
  Pipe pipe;
  return pipe.put(reinterpret_cast<void*>(host), sizeof value) && pipe.take(&value, sizeof value);
}
bool writable(u64 host, u32 value) {
  Pipe pipe;
  return pipe.put(&value, sizeof value) && pipe.take(reinterpret_cast<void*>(host), sizeof value);
}

struct WindowRig {
  // Settles by tables that map nothing.
  void drop_local() {
    window.settle([](u32) { return false; }, [](u32, u32, Right) { return false; });
  }
  static constexpr u32 kFrames = 4096;
  WindowRig() : memory(u64{kFrames} << kPageShift), window(memory) {
    for (u32 frame = 0; frame < 64; ++frame) std::memcpy(at(frame), &frame, sizeof frame);
  }
  u8* at(u32 frame) { return memory.data() + (u64{frame} << kPageShift); }
  u64 host(u32 page) const { return window.base() + (u64{page} << kPageShift); }
  // Which frame's number stands at the page's start, or -1 where nothing can be read.
  i64 shown(u32 page) const {
    u32 value;
    return readable(host(page), value) ? i64{value} : -1;
  }
  bool writes(u32 page) const { return writable(host(page) + 8, 1); }

  MachineMemory memory;
  Window window;
};

TEST_CASE("a window shows frames where they were mapped, with the right asked for") {
  WindowRig rig;
  CHECK((rig.window.base() & 0xFFFF'FFFF) == 0);
  CHECK(rig.window.map(0x100, Ppn(5), 3, Right::write, false));
  CHECK(rig.window.map(0xFFFFF, Ppn(9), 1, Right::read, false));
  CHECK(rig.shown(0xFF) == -1);
  for (u32 n = 0; n < 3; ++n) {
    CHECK(rig.shown(0x100 + n) == 5 + n);
    CHECK(rig.writes(0x100 + n));
    CHECK(rig.window.right(0x100 + n) == Right::write);
  }
  CHECK(rig.shown(0x103) == -1);
  CHECK(rig.shown(0xFFFFF) == 9);
  CHECK_FALSE(rig.writes(0xFFFFF));
  CHECK(rig.window.right(0xFFFFF) == Right::read);
  CHECK(rig.window.right(0) == Right::none);
  CHECK(rig.window.contains(rig.window.base()));
  CHECK_FALSE(rig.window.contains(rig.window.base() - 1));
  CHECK_FALSE(rig.window.contains(rig.window.base() + Window::kBytes));
  rig.window.audit();

  // A real load and a real store, seen in the memory file.
  auto* word = reinterpret_cast<volatile u32*>(rig.host(0x101) + 16);
  *word = 0x1234'5678;
  u32 stored;
  std::memcpy(&stored, rig.at(6) + 16, sizeof stored);
  CHECK(stored == 0x1234'5678);
  CHECK(*word == 0x1234'5678);
}

TEST_CASE("the guards stay unmapped beside both ends") {
  WindowRig rig;
  CHECK(rig.window.map(0, Ppn(1), 1, Right::write, false));
  CHECK(rig.window.map(0xFFFFF, Ppn(2), 1, Right::write, false));
  u32 value;
  CHECK_FALSE(readable(rig.window.base() - 4, value));
  CHECK_FALSE(readable(rig.window.base() - Window::kGuard, value));
  CHECK_FALSE(readable(rig.window.base() + Window::kBytes, value));
  CHECK_FALSE(readable(rig.window.base() + Window::kBytes + Window::kGuard - 4, value));
  CHECK_FALSE(readable(rig.window.base() + Window::kBytes - 2, value));
  rig.window.drop_all();
  CHECK_FALSE(readable(rig.window.base() - 4, value));
  CHECK_FALSE(readable(rig.window.base(), value));
}

TEST_CASE("a drop in the middle of a run leaves its ends") {
  WindowRig rig;
  CHECK(rig.window.map(0x200, Ppn(10), 8, Right::write, false));
  rig.window.drop(0x203, 2);
  for (u32 n = 0; n < 8; ++n) {
    const bool there = n != 3 && n != 4;
    CHECK(rig.shown(0x200 + n) == (there ? i64{10 + n} : -1));
    CHECK(rig.window.right(0x200 + n) == (there ? Right::write : Right::none));
  }
  rig.window.audit();
  // A drop over mapped pages and holes alike, and over nothing at all.
  rig.window.drop(0x1F0, 0x14);
  rig.window.drop(0x900, 16);
  CHECK(rig.shown(0x202) == -1);
  CHECK(rig.shown(0x205) == 15);
  // The hole takes another mapping, local or not.
  CHECK(rig.window.map(0x203, Ppn(40), 1, Right::read, true));
  CHECK(rig.shown(0x203) == 40);
  rig.drop_local();
  CHECK(rig.shown(0x203) == 40);
  CHECK(rig.shown(0x205) == -1);
  rig.window.audit();
}

TEST_CASE("settle drops what does not hold any more, and is asked about each local page once") {
  WindowRig rig;
  CHECK(rig.window.map(0x10, Ppn(1), 8, Right::write, false));
  CHECK(rig.window.map(0x12, Ppn(30), 1, Right::read, false));  // in the run before: listed twice
  CHECK(rig.window.map(0x14, Ppn(40), 1, Right::write, true));  // global in a local run
  CHECK(rig.window.map(0x30, Ppn(50), 1, Right::write, true));
  rig.window.drop(0x16, 1);
  std::vector<u32> asked;
  const auto still = [&](u32 page, u32 frame, Right right) {
    asked.push_back(page);
    CHECK(frame == (page == 0x12 ? 30 : page - 0x0F));
    CHECK(right == (page == 0x12 ? Right::read : Right::write));
    return page == 0x10 || page == 0x12;
  };
  rig.window.settle([](u32) { return false; }, still);
  CHECK(asked == std::vector<u32>{0x10, 0x11, 0x12, 0x13, 0x15, 0x17});
  const i64 shown[] = {1, -1, 30, -1, 40, -1, -1, -1};
  for (u32 n = 0; n < 8; ++n) {
    CAPTURE(n);
    CHECK(rig.shown(0x10 + n) == shown[n]);
    CHECK((rig.window.right(0x10 + n) == Right::none) == (shown[n] == -1));
  }
  CHECK(rig.shown(0x30) == 50);
  rig.window.audit();
  // What was kept is still local, and asked about again.
  asked.clear();
  rig.window.settle([](u32) { return false; }, still);
  CHECK(asked == std::vector<u32>{0x10, 0x12});
  CHECK(rig.window.mappings() == 4);
  rig.drop_local();
  CHECK(rig.shown(0x10) == -1);
  CHECK(rig.shown(0x12) == -1);
  CHECK(rig.shown(0x14) == 40);
}

TEST_CASE("settle asks about no page of a region that is unchanged, and about runs in two regions by parts") {
  WindowRig rig;
  CHECK(rig.window.map(0x1FE, Ppn(1), 4, Right::write, false));
  CHECK(rig.window.map(0x400, Ppn(9), 1, Right::write, false));
  std::vector<u32> asked;
  const auto none = [&](u32 page, u32, Right) {
    asked.push_back(page);
    return false;
  };
  rig.window.settle([](u32 region) { return region != 1; }, none);
  CHECK(asked == std::vector<u32>{0x200, 0x201});
  CHECK(rig.shown(0x1FF) == 2);
  CHECK(rig.shown(0x200) == -1);
  CHECK(rig.shown(0x400) == 9);
  CHECK(rig.window.mappings() == 2);
  asked.clear();
  rig.window.settle([](u32) { return false; }, none);
  std::sort(asked.begin(), asked.end());
  CHECK(asked == std::vector<u32>{0x1FE, 0x1FF, 0x400});
  rig.window.audit();
}

TEST_CASE("how much is alike, where it is half or more") {
  WindowRig rig;
  const auto even = [](u32 page, u32, Right) { return page % 2 == 0; };
  CHECK(rig.window.alike(even) == 0);
  for (u32 page = 0; page < 4; ++page) CHECK(rig.window.map(page, Ppn(page), 1, Right::read, true));
  CHECK(rig.window.alike(even) == 2);
  CHECK(rig.window.map(0x400, Ppn(9), 1, Right::write, false));
  CHECK(rig.window.alike(even) == 3);
  CHECK(rig.window.map(0x501, Ppn(11), 2, Right::write, false));
  CHECK(rig.window.alike(even) == 0);
}

TEST_CASE("settle keeps global pages, whatever was mapped over what") {
  WindowRig rig;
  CHECK(rig.window.map(0x10, Ppn(1), 4, Right::write, true));
  CHECK(rig.window.map(0x20, Ppn(5), 4, Right::write, false));
  CHECK(rig.window.map(0x22, Ppn(20), 1, Right::write, true));   // global in a local run
  CHECK(rig.window.map(0x11, Ppn(30), 1, Right::write, false));  // local in a global run
  rig.drop_local();
  CHECK(rig.shown(0x10) == 1);
  CHECK(rig.shown(0x11) == -1);
  CHECK(rig.shown(0x12) == 3);
  CHECK(rig.shown(0x20) == -1);
  CHECK(rig.shown(0x22) == 20);
  CHECK(rig.shown(0x23) == -1);
  rig.window.audit();
  CHECK(rig.window.map(0x20, Ppn(7), 1, Right::write, false));
  rig.window.drop_all();
  for (u32 page = 0x10; page < 0x24; ++page) CHECK(rig.shown(page) == -1);
  CHECK(rig.window.mappings() == 0);
  rig.window.audit();
}

TEST_CASE("a frame mapped at several pages loses the right to write at all of them") {
  WindowRig rig;
  CHECK(rig.window.map(0x50, Ppn(3), 1, Right::write, false));
  CHECK(rig.window.map(0x80000, Ppn(2), 4, Right::write, true));
  CHECK(rig.window.map(0x90, Ppn(3), 1, Right::read, false));
  CHECK(rig.writes(0x50));
  rig.window.write_protect(Ppn(3));
  CHECK_FALSE(rig.writes(0x50));
  CHECK_FALSE(rig.writes(0x80001));
  CHECK_FALSE(rig.writes(0x90));
  CHECK(rig.writes(0x80000));
  CHECK(rig.writes(0x80002));
  CHECK(rig.shown(0x50) == 3);
  CHECK(rig.window.right(0x80001) == Right::read);
  rig.window.audit();
  // One of the list goes, at its head, in the middle, at its end: the others are still found.
  rig.window.drop(0x80001, 1);
  CHECK(rig.window.map(0x50, Ppn(3), 1, Right::write, false));
  CHECK(rig.window.map(0x51, Ppn(3), 1, Right::write, false));
  rig.window.drop(0x90, 1);
  rig.window.write_protect(Ppn(3));
  CHECK_FALSE(rig.writes(0x50));
  CHECK_FALSE(rig.writes(0x51));
  CHECK(rig.shown(0x80001) == -1);
  rig.window.write_protect(Ppn(100));  // mapped nowhere
  rig.window.audit();
}

TEST_CASE("a mapping in place of another belongs to the new frame") {
  WindowRig rig;
  CHECK(rig.window.map(0x70, Ppn(4), 2, Right::write, false));
  CHECK(rig.window.map(0x70, Ppn(8), 1, Right::write, false));
  CHECK(rig.shown(0x70) == 8);
  CHECK(rig.shown(0x71) == 5);
  rig.window.write_protect(Ppn(4));
  CHECK(rig.writes(0x70));
  rig.window.write_protect(Ppn(8));
  CHECK_FALSE(rig.writes(0x70));
  rig.window.audit();
}

TEST_CASE("a page is known from its first mapping for as much until the window is renewed") {
  WindowRig rig;
  CHECK(!rig.window.known(0x100, false));
  for (unsigned renewals = 0; renewals < 600; ++renewals) {
    REQUIRE(rig.window.map(0x100, Ppn(5), 2, Right::read, false));
    rig.window.drop(0x100, 1);
    REQUIRE(rig.window.known(0x100, false));
    REQUIRE(!rig.window.known(0x100, true));
    REQUIRE(rig.window.known(0x101, false));
    REQUIRE(!rig.window.known(0x102, false));
    REQUIRE(rig.window.map(0x100, Ppn(5), 1, Right::write, false));
    REQUIRE(rig.window.map(0x100, Ppn(5), 1, Right::read, false));
    REQUIRE(rig.window.known(0x100, true));
    rig.window.renew();
    REQUIRE(!rig.window.known(0x100, false));
    CHECK(rig.shown(0x101) == 6);
  }
}

TEST_CASE("windows do not show each other's mappings") {
  WindowRig rig;
  Window other(rig.memory);
  CHECK(other.base() != rig.window.base());
  CHECK(rig.window.map(0x1, Ppn(1), 1, Right::write, false));
  CHECK(other.map(0x1, Ppn(2), 1, Right::write, false));
  u32 value = 0;
  CHECK(readable(other.base() + kPageSize, value));
  CHECK(value == 2);
  CHECK(rig.shown(1) == 1);
  rig.window.drop_all();
  CHECK(readable(other.base() + kPageSize, value));
}

TEST_CASE("beyond its limit of mappings a window empties itself and goes on") {
  WindowRig rig;
  u64 refused = 0, made = 0;
  for (u32 page = 0; page < 60'000; ++page) {
    // Every other page, so that no two are one mapping for the host.
    if (rig.window.map(page * 2, Ppn(page % WindowRig::kFrames), 1, Right::read, false)) {
      ++made;
      continue;
    }
    ++refused;
    CHECK(rig.window.mappings() == 0);
    CHECK(rig.window.right((page - 1) * 2) == Right::none);
    CHECK(rig.shown((page - 1) * 2) == -1);
  }
  CHECK(refused >= 1);
  CHECK(made + refused == 60'000);
  CHECK(rig.window.mappings() < 60'000);
  // Splits count too: holes and protection make more of few mappings.
  rig.window.drop_all();
  CHECK(rig.window.map(0, Ppn(0), WindowRig::kFrames, Right::write, true));
  for (u32 frame = 1; frame < WindowRig::kFrames; frame += 2) rig.window.write_protect(Ppn(frame));
  CHECK(rig.window.mappings() >= WindowRig::kFrames - 1);
}

TEST_CASE("random maps and drops, compared with a plain table") {
  WindowRig rig;
  struct Expected {
    i64 frame = -1;
    Right right = Right::none;
    bool global = false;
  };
  constexpr u32 kPages = 64;
  std::vector<Expected> expected(kPages);
  u32 state = 12345;
  const auto random = [&](u32 below) {
    state = state * 1664525 + 1013904223;
    return (state >> 8) % below;
  };
  for (unsigned step = 0; step < 3000; ++step) {
    const u32 page = random(kPages), count = 1 + random(std::min(8u, kPages - page));
    switch (random(12)) {
      case 0: {
        rig.drop_local();
        for (Expected& e : expected)
          if (!e.global) e = {};
        break;
      }
      case 1:
      case 2: {
        const u32 frame = random(16);
        rig.window.write_protect(Ppn(frame));
        for (Expected& e : expected)
          if (e.frame == frame) e.right = Right::read;
        break;
      }
      case 3:
      case 4:
        rig.window.drop(page, count);
        for (u32 n = 0; n < count; ++n) expected[page + n] = {};
        break;
      case 5:
        if (random(20)) break;
        rig.window.drop_all();
        for (Expected& e : expected) e = {};
        break;
      default: {
        const u32 frame = random(16);
        const Right right = random(2) ? Right::write : Right::read;
        const bool global = random(3) == 0;
        REQUIRE(rig.window.map(page, Ppn(frame), count, right, global));
        for (u32 n = 0; n < count; ++n) expected[page + n] = {i64{frame + n}, right, global};
      }
    }
    if (step % 16) continue;
    rig.window.audit();
    for (u32 p = 0; p < kPages; ++p) {
      REQUIRE(rig.shown(p) == expected[p].frame);
      REQUIRE(rig.window.right(p) == expected[p].right);
      REQUIRE(rig.writes(p) == (expected[p].right == Right::write));
    }
  }
}

}  // namespace
}  // namespace penumbra
