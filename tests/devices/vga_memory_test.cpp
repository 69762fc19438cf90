// The graphics controller: write modes, read modes, latches, and the CPU's paths into the planes.
#include <doctest/doctest.h>

#include "tests/support/vga_rig.h"

namespace penumbra {
namespace {

struct PlanarRig : VgaRig {
  PlanarRig() { set_mode(kPlanar640x480); }
  // The four planes' bytes at an offset, plane 3 first.
  u32 planes(u32 offset) {
    const u8 mode = register_of(0x3CE, 5);
    graphics(5, mode & ~0x08);
    u32 value = 0;
    for (u8 plane = 4; plane-- > 0;) {
      graphics(4, plane);
      value = value << 8 | peek(0xA0000 + offset);
    }
    graphics(5, mode);
    return value;
  }
  void set_planes(u32 offset, u32 value) {
    const u8 mode = register_of(0x3CE, 5), mask = register_of(0x3CE, 8), enable = register_of(0x3CE, 1);
    const u8 rotate = register_of(0x3CE, 3), maps = register_of(0x3C4, 2);
    graphics(5, 0);
    graphics(8, 0xFF);
    graphics(1, 0);
    graphics(3, 0);
    for (u8 plane = 0; plane < 4; ++plane) {
      sequencer(2, static_cast<u8>(1 << plane));
      poke(0xA0000 + offset, static_cast<u8>(value >> 8 * plane));
    }
    graphics(5, mode);
    graphics(8, mask);
    graphics(1, enable);
    graphics(3, rotate);
    sequencer(2, maps);
  }
};

TEST_CASE("write mode 0 puts the CPU's byte into the planes of the map mask") {
  PlanarRig rig;
  rig.sequencer(2, 0x0F);
  rig.poke(0xA0010, 0xA5);
  CHECK(rig.planes(0x10) == 0xA5A5A5A5);
  rig.sequencer(2, 0x05);
  rig.poke(0xA0010, 0x3C);
  CHECK(rig.planes(0x10) == 0xA53CA53C);
}

TEST_CASE("write mode 0 takes set/reset for the planes that enable it, and rotates the rest") {
  PlanarRig rig;
  rig.graphics(0, 0b0010);
  rig.graphics(1, 0b0110);
  rig.graphics(3, 4);
  rig.poke(0xA0020, 0x1F);
  CHECK(rig.planes(0x20) == 0xF100FFF1);
}

TEST_CASE("write mode 0 combines with the latches by function and bit mask") {
  PlanarRig rig;
  rig.set_planes(0x30, 0x0FF0'33CC);
  struct Case {
    u8 function;
    u32 expected;
  };
  for (const Case c : {Case{0x00, 0x5555'5555}, Case{0x08, 0x0FF0'33CC & 0x5555'5555},
                       Case{0x10, 0x0FF0'33CC | 0x5555'5555}, Case{0x18, 0x0FF0'33CC ^ 0x5555'5555}}) {
    rig.graphics(3, c.function);
    for (const u8 mask : {0xFF, 0xF0, 0x01, 0x00}) {
      rig.graphics(8, mask);
      rig.peek(0xA0030);  // loads the latches
      rig.poke(0xA0040, 0x55);
      const u32 wide = mask * 0x01010101u;
      CHECK(rig.planes(0x40) == ((c.expected & wide) | (0x0FF0'33CC & ~wide)));
    }
  }
}

TEST_CASE("write mode 1 copies the latches, whatever the CPU writes and the bit mask says") {
  PlanarRig rig;
  rig.set_planes(0x50, 0x12345678);
  rig.graphics(5, 1);
  rig.graphics(8, 0x0F);
  rig.peek(0xA0050);
  rig.poke(0xA0051, 0xFF);
  CHECK(rig.planes(0x51) == 0x12345678);
  rig.peek(0xA0050);
  rig.sequencer(2, 0x08);
  rig.set_planes(0x52, 0);
  rig.peek(0xA0050);
  rig.poke(0xA0052, 0xFF);
  CHECK(rig.planes(0x52) == 0x12000000);
}

TEST_CASE("write mode 2 spreads the CPU's low four bits over the planes, under the bit mask") {
  PlanarRig rig;
  rig.set_planes(0x60, 0xFFFFFFFF);
  rig.graphics(5, 2);
  rig.graphics(8, 0x81);
  rig.peek(0xA0060);
  rig.poke(0xA0060, 0xF5);
  CHECK(rig.planes(0x60) == 0x7EFF7EFF);
  rig.graphics(3, 0x18);  // exclusive or with the latches
  rig.peek(0xA0060);
  rig.poke(0xA0060, 0x0F);
  CHECK(rig.planes(0x60) == 0xFF7EFF7E);
}

TEST_CASE("write mode 3 writes set/reset where bit mask and rotated CPU data are one") {
  PlanarRig rig;
  rig.set_planes(0x70, 0x11223344);
  rig.graphics(0, 0b1001);
  rig.graphics(5, 3);
  rig.graphics(3, 1);
  rig.graphics(8, 0x3F);
  rig.peek(0xA0070);
  rig.poke(0xA0070, 0xE1);  // rotated F0h, masked 30h
  CHECK(rig.planes(0x70) == 0x31020374);
}

TEST_CASE("read mode 1 compares all planes but those that do not care") {
  PlanarRig rig;
  // Pixels from the left: 0 1 2 3 4 5 6 7.
  rig.set_planes(0x80, 0x000F3355);
  rig.graphics(5, 0x08);
  rig.graphics(2, 5);
  rig.graphics(7, 0x0F);
  CHECK(rig.peek(0xA0080) == 0x04);
  rig.graphics(7, 0x0D);  // 5 or 7
  CHECK(rig.peek(0xA0080) == 0x05);
  rig.graphics(7, 0x00);
  CHECK(rig.peek(0xA0080) == 0xFF);
}

TEST_CASE("CR22h reads the latch of the plane that Read Map Select names") {
  PlanarRig rig;
  rig.set_planes(0x90, 0xDDCCBBAA);
  rig.peek(0xA0090);
  for (u8 plane = 0; plane < 4; ++plane) {
    rig.graphics(4, plane);
    CHECK(rig.read_crtc(0x22) == 0xAA + plane * 0x11);
  }
}

TEST_CASE("a wide access is one cycle for each byte, lowest first") {
  PlanarRig rig;
  rig.set_planes(0xA0, 0x04030201);
  rig.set_planes(0xA1, 0x40302010);
  rig.graphics(4, 2);
  CHECK(rig.memory.access_read(PhysAddr(0xA00A0), Width::word) == 0x3003);
  CHECK(rig.read_crtc(0x22) == 0x30);
  rig.memory.access_write(PhysAddr(0xA00B0), Width::dword, 0x44332211);
  CHECK(rig.planes(0xB0) == 0x11111111);
  CHECK(rig.planes(0xB3) == 0x44444444);
}

TEST_CASE("chain 4 selects the plane by the address's low bits and leaves them out of the offset") {
  VgaRig rig;
  rig.set_mode(kPacked320x200);
  for (u32 i = 0; i < 8; ++i) rig.poke(0xA0100 + i, static_cast<u8>(0x10 + i));
  CHECK(rig.peek(0xA0105) == 0x15);
  rig.sequencer(4, 0x06);
  for (u8 plane = 0; plane < 4; ++plane) {
    rig.graphics(4, plane);
    CHECK(rig.peek(0xA0100) == 0x10 + plane);
    CHECK(rig.peek(0xA0101) == 0);
    CHECK(rig.peek(0xA0104) == 0x14 + plane);
  }
  rig.sequencer(4, 0x0E);
  rig.sequencer(2, 0x0D);
  rig.poke(0xA0101, 0xEE);  // plane 1 is masked
  CHECK(rig.peek(0xA0101) == 0x11);
}

TEST_CASE("odd/even addresses reach planes 0 and 1 at even offsets") {
  VgaRig rig;
  rig.set_mode(kText80x25);
  rig.poke(0xB8002, 'A');
  rig.poke(0xB8003, 0x1E);
  CHECK(rig.peek(0xB8002) == 'A');
  CHECK(rig.peek(0xB8003) == 0x1E);
  rig.sequencer(4, 0x06);
  rig.graphics(5, 0x00);
  rig.graphics(6, 0x04);
  rig.graphics(4, 0);
  CHECK(rig.peek(0xA0002) == 'A');
  CHECK(rig.peek(0xA0003) == 0);
  rig.graphics(4, 1);
  CHECK(rig.peek(0xA0002) == 0x1E);
}

TEST_CASE("the page bit of Misc Output selects the other half in odd/even modes") {
  VgaRig rig;
  rig.set_mode(kText80x25);
  rig.poke(0xB8000, 'A');
  rig.out(0x3C2, 0x47);
  CHECK(rig.peek(0xB8000) == 0);
  rig.poke(0xB8000, 'B');
  rig.out(0x3C2, 0x67);
  CHECK(rig.peek(0xB8000) == 'A');
}

TEST_CASE("the four memory maps") {
  PlanarRig rig;
  rig.graphics(6, 0x01);
  rig.poke(0xA0000, 0x11);
  rig.poke(0xBFFFF, 0x22);  // wraps inside the plane of 64 KiB
  CHECK(rig.peek(0xAFFFF) == 0x22);
  rig.graphics(6, 0x05);
  CHECK(rig.peek(0xA0000) == 0x11);
  CHECK(rig.peek(0xB0000) == 0xFF);
  rig.graphics(6, 0x09);
  CHECK(rig.peek(0xA0000) == 0xFF);
  CHECK(rig.peek(0xB0000) == 0x11);
  CHECK(rig.peek(0xB8000) == 0xFF);
  rig.graphics(6, 0x0D);
  CHECK(rig.peek(0xB0000) == 0xFF);
  CHECK(rig.peek(0xB8000) == 0x11);
  rig.out(0x3C2, 0xE1);  // RAM off
  CHECK(rig.peek(0xB8000) == 0xFF);
  rig.poke(0xB8000, 0x77);
  rig.out(0x3C2, 0xE3);
  CHECK(rig.peek(0xB8000) == 0x11);
}

}  // namespace
}  // namespace penumbra
