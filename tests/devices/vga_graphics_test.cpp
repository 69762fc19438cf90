// Graphics modes as the registers make them: CGA's, planar, 256 colours chained and not, and hostile ones.
#include <doctest/doctest.h>

#include <random>

#include "tests/support/vga_rig.h"

namespace penumbra {
namespace {

TEST_CASE("CGA 320 x 200: two-bit pixels, odd scan lines 8 KiB further") {
  VgaRig rig;
  rig.set_mode(kCga320x200);
  rig.poke(0xB8000, 0x1B);       // line 0: 0 1 2 3
  rig.poke(0xB8001, 0xE4);       //         3 2 1 0
  rig.poke(0xBA000, 0xFF);       // line 1
  rig.poke(0xB8000 + 80, 0x55);  // line 2
  rig.poke(0xBA000 + 79, 0x02);  // line 1, its last pixel
  rig.render();
  CHECK(rig.picture.width == 640);
  CHECK(rig.picture.height == 400);
  constexpr u8 entry[4] = {0x00, 0x13, 0x15, 0x17};
  constexpr u8 expected[8] = {0, 1, 2, 3, 3, 2, 1, 0};
  for (u32 x = 0; x < 16; ++x) {
    CHECK(rig.pixel(x, 0) == VgaRig::color_of(entry[expected[x / 2]]));
    CHECK(rig.pixel(x, 1) == VgaRig::color_of(entry[expected[x / 2]]));
    CHECK(rig.pixel(x, 2) == VgaRig::color_of(entry[x < 8 ? 3 : 0]));
    CHECK(rig.pixel(x, 4) == VgaRig::color_of(entry[x < 8 ? 1 : 0]));
  }
  CHECK(rig.pixel(639, 3) == VgaRig::color_of(0x15));
}

TEST_CASE("CGA 640 x 200: one-bit pixels") {
  VgaRig rig;
  rig.set_mode(kCga640x200);
  rig.poke(0xB8000, 0x81);
  rig.poke(0xBA000 + 79, 0x01);
  rig.render();
  CHECK(rig.picture.width == 640);
  for (u32 x = 0; x < 8; ++x) CHECK(rig.pixel(x, 0) == VgaRig::color_of(x == 0 || x == 7 ? 0x17 : 0));
  CHECK(rig.pixel(639, 2) == VgaRig::color_of(0x17));
  CHECK(rig.pixel(639, 3) == VgaRig::color_of(0x17));
  CHECK(rig.pixel(639, 4) == 0);
}

TEST_CASE("planar modes: four planes, a bit each, at 640 x 480 and at 320 x 200") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  rig.graphics(5, 2);
  rig.graphics(8, 0x01);
  rig.poke(0xA0000 + 479 * 80 + 79, 0x0A);
  rig.render();
  CHECK(rig.picture.width == 640);
  CHECK(rig.picture.height == 480);
  CHECK(rig.pixel(639, 479) == VgaRig::color_of(0x3A));
  CHECK(rig.pixel(638, 479) == VgaRig::color_of(0));

  rig.set_mode(kEga320x200);
  rig.graphics(5, 2);
  rig.graphics(8, 0x40);
  rig.poke(0xA0000 + 10 * 40, 0x0C);
  rig.render();
  CHECK(rig.picture.width == 640);
  CHECK(rig.picture.height == 400);
  for (u32 y = 20; y < 22; ++y)
    for (u32 x = 0; x < 6; ++x) CHECK(rig.pixel(x, y) == VgaRig::color_of(x / 2 == 1 ? 0x14 : 0));
  CHECK(rig.pixel(2, 22) == VgaRig::color_of(0));
}

TEST_CASE("Color Plane Enable takes planes away") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  rig.poke(0xA0000, 0xFF);
  rig.attribute(0x12, 0x05);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x05));
}

TEST_CASE("320 x 200 in 256 colours, chained") {
  VgaRig rig;
  rig.set_mode(kPacked320x200);
  for (u32 x = 0; x < 256; ++x) rig.poke(0xA0000 + 199 * 320 + x, static_cast<u8>(x));
  rig.render();
  CHECK(rig.picture.width == 640);
  CHECK(rig.picture.height == 400);
  for (u32 x = 0; x < 512; ++x) {
    CHECK(rig.pixel(x, 398) == VgaRig::color_of(static_cast<u8>(x / 2)));
    CHECK(rig.pixel(x, 399) == rig.pixel(x, 398));
  }
  CHECK(rig.pixel(0, 397) == 0);
}

TEST_CASE("mode X: unchained, 320 x 240, with pages, panning and split screen") {
  VgaRig rig;
  rig.set_mode(kPacked320x200);
  rig.sequencer(4, 0x06);
  rig.out(0x3C2, 0xE3);
  rig.crtc(0x11, 0x2C);
  constexpr u8 changes[][2] = {{0x06, 0x0D}, {0x07, 0x3E}, {0x09, 0x41}, {0x10, 0xEA}, {0x11, 0xAC},
                               {0x12, 0xDF}, {0x14, 0x00}, {0x15, 0xE7}, {0x16, 0x06}, {0x17, 0xE3}};
  for (const auto& change : changes) rig.crtc(change[0], change[1]);
  const auto plot = [&](u32 page, u32 x, u32 y, u8 color) {
    rig.sequencer(2, static_cast<u8>(1 << (x & 3)));
    rig.poke(0xA0000 + page + y * 80 + x / 4, color);
  };
  constexpr u32 page = 19200;
  plot(0, 0, 0, 0x55);
  for (u32 x = 0; x < 320; ++x) plot(page, x, 239, static_cast<u8>(x + 1));
  for (u32 x = 0; x < 320; ++x) plot(page, x, 100, static_cast<u8>(x + 7));
  rig.crtc(0x0C, page >> 8);
  rig.crtc(0x0D, page & 0xFF);
  rig.render();
  CHECK(rig.picture.height == 480);
  for (u32 x = 0; x < 640; ++x) {
    CHECK(rig.pixel(x, 478) == VgaRig::color_of(static_cast<u8>(x / 2 + 1)));
    CHECK(rig.pixel(x, 201) == VgaRig::color_of(static_cast<u8>(x / 2 + 7)));
  }
  rig.attribute(0x13, 6);  // three pixels
  rig.render();
  for (u32 x = 0; x < 634; ++x) CHECK(rig.pixel(x, 200) == VgaRig::color_of(static_cast<u8>(x / 2 + 10)));
  rig.attribute(0x13, 0);
  rig.crtc(0x18, 399 & 0xFF);
  rig.crtc(0x07, 0x3E);  // line compare 399: bit 8 set, bit 9 clear
  rig.crtc(0x09, 0x01);
  rig.render();
  CHECK(rig.pixel(0, 400) == VgaRig::color_of(0x55));
  CHECK(rig.pixel(0, 399) == VgaRig::color_of(0));
  CHECK(rig.pixel(0, 200) == VgaRig::color_of(7));
}

TEST_CASE("Mode Control bit 2 doubles the vertical counter") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  rig.crtc(0x17, 0xE7);
  rig.render();
  CHECK(rig.picture.height == 960);
}

TEST_CASE("render tells a change from none") {
  VgaRig rig;
  rig.set_mode(kPacked320x200);
  CHECK(rig.render());
  CHECK_FALSE(rig.render());
  rig.poke(0xA0000 + 5000, 1);
  CHECK(rig.render());
  CHECK_FALSE(rig.render());
  rig.poke(0xA0000 + 64000, 1);  // outside of the picture
  CHECK_FALSE(rig.render());
  rig.out(0x3C8, 0);
  for (int i = 0; i < 3; ++i) rig.out(0x3C9, 0x20);
  CHECK(rig.render());
  Picture other;
  CHECK(rig.vga.render(other));
  CHECK(other.pixels == rig.picture.pixels);
}

TEST_CASE("what is not drawn again is right all the same") {
  VgaRig rig, other;
  Picture picture;
  const auto same_as_fresh = [&](Vga& vga) {
    Picture fresh;
    vga.render(fresh);
    return picture.width == fresh.width && picture.height == fresh.height && picture.pixels == fresh.pixels;
  };
  rig.set_mode(kPacked320x200);
  rig.poke(0xA0000, 9);
  other.set_mode(kPacked320x200);
  // Two adapters and one picture, by turns.
  for (int i = 0; i < 3; ++i) {
    CHECK(rig.vga.render(picture));
    CHECK(same_as_fresh(rig.vga));
    CHECK(other.vga.render(picture));
    CHECK(same_as_fresh(other.vga));
  }
  // Somebody else draws into the picture and says so.
  rig.vga.render(picture);
  picture.pixels[5] = 0x123456;
  picture.drawing = 0;
  CHECK(rig.vga.render(picture));
  CHECK(same_as_fresh(rig.vga));
  // Random changes in a DISPI mode and back.
  std::mt19937 random(2);
  for (const u16 bpp : {4, 8, 15, 16, 24, 32}) {
    rig.dispi_mode(200, 100, bpp);
    for (int i = 0; i < 50; ++i) {
      rig.poke(0xA0000 + (random() & 0x3FFF), static_cast<u8>(random()));
      if (i % 8 == 3) rig.dispi(9, random() & 3);
      if (i % 8 == 5) rig.dispi(8, random() & 15);
      if (i % 8 == 7) rig.out(0x3C6, static_cast<u8>(random()));
      const std::vector<u32> before = picture.pixels;
      const bool changed = rig.vga.render(picture);
      CHECK(changed == (picture.pixels != before));
      CHECK(same_as_fresh(rig.vga));
      rig.vga.render(picture);
    }
  }
}

TEST_CASE("before any mode is set the screen is black") {
  VgaRig rig;
  CHECK(rig.render());
  CHECK(rig.picture.width == 720);
  CHECK(rig.picture.height == 400);
  CHECK(rig.pixel(100, 100) == 0);
}

TEST_CASE("random registers give a picture of bounded size") {
  VgaRig rig;
  std::mt19937 random(1);
  const auto byte = [&] { return static_cast<u8>(random()); };
  for (int i = 0; i < 300; ++i) {
    rig.out(0x3C2, byte() | 1);
    for (u8 r = 0; r < 5; ++r) rig.sequencer(r, byte());
    rig.sequencer(0, 3);
    rig.crtc(0x11, 0);
    for (u8 r = 0; r < 25; ++r) rig.crtc(r, byte());
    for (u8 r = 0; r < 9; ++r) rig.graphics(r, byte());
    for (u8 r = 0; r < 21; ++r) rig.attribute(r, byte());
    for (int k = 0; k < 100; ++k) rig.poke(0xA0000 + (random() & 0x1FFFF), byte());
    for (u16 r = 1; r < 10; ++r) rig.dispi(r, static_cast<u16>(random()));
    rig.clock.advance(milliseconds(7));
    rig.render();
    CHECK(rig.picture.width <= VgaRenderer::kMaxWidth);
    CHECK(rig.picture.height <= VgaRenderer::kMaxHeight);
    CHECK(rig.picture.pixels.size() == std::size_t{rig.picture.width} * rig.picture.height);
    rig.vga.text();
  }
}

}  // namespace
}  // namespace penumbra
