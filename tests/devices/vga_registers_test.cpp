// The VGA's ports: indexed registers, the attribute flip-flop, the DAC, retrace timing, and saved states.
#include <doctest/doctest.h>

#include "tests/support/vga_rig.h"

namespace penumbra {
namespace {

TEST_CASE("indexed registers keep the bits that exist") {
  VgaRig rig;
  rig.sequencer(2, 0xFF);
  CHECK(rig.in(0x3C5) == 0x0F);
  rig.sequencer(4, 0xFF);
  CHECK(rig.in(0x3C5) == 0x0E);
  rig.graphics(5, 0xFF);
  CHECK(rig.in(0x3CF) == 0x7B);
  rig.graphics(8, 0xA5);
  CHECK(rig.in(0x3CF) == 0xA5);
  rig.sequencer(6, 0xFF);
  CHECK(rig.in(0x3C5) == 0);
  rig.graphics(0x0C, 0xFF);
  CHECK(rig.in(0x3CF) == 0);
}

TEST_CASE("Misc Output moves CRTC and status ports between 3Bxh and 3Dxh") {
  VgaRig rig;
  rig.out(0x3C2, 0x63);
  CHECK(rig.in(0x3CC) == 0x63);
  rig.crtc(0x0F, 0x5A);
  CHECK(rig.in(0x3D5) == 0x5A);
  CHECK(rig.in(0x3B5) == 0xFF);
  CHECK(rig.in(0x3BA) == 0xFF);
  rig.out(0x3C2, 0x62);
  CHECK(rig.in(0x3D5) == 0xFF);
  CHECK(rig.in(0x3B4) == 0x0F);
  CHECK(rig.in(0x3B5) == 0x5A);
  rig.out(0x3D5, 0x00);
  CHECK(rig.in(0x3B5) == 0x5A);
}

TEST_CASE("CR11h bit 7 protects CR0-7 but for CR7 bit 4") {
  VgaRig rig;
  for (u8 i = 0; i < 8; ++i) rig.crtc(i, 0x11);
  rig.crtc(0x11, 0x80);
  for (u8 i = 0; i < 8; ++i) rig.crtc(i, 0xEE);
  for (u8 i = 0; i < 7; ++i) CHECK(rig.read_crtc(i) == 0x11);
  CHECK(rig.read_crtc(7) == 0x01);
  rig.crtc(8, 0x22);
  CHECK(rig.read_crtc(8) == 0x22);
  rig.crtc(0x11, 0x00);
  rig.crtc(0, 0x33);
  CHECK(rig.read_crtc(0) == 0x33);
}

TEST_CASE("the attribute port takes index and data in turn, and input status 1 starts over") {
  VgaRig rig;
  rig.in(0x3DA);
  CHECK(rig.read_crtc(0x24) == 0x00);
  rig.out(0x3C0, 0x13);
  CHECK(rig.read_crtc(0x24) == 0x80);
  CHECK(rig.read_crtc(0x26) == 0x13);
  rig.out(0x3C0, 0x05);
  CHECK(rig.in(0x3C1) == 0x05);
  CHECK(rig.in(0x3C0) == 0x13);
  rig.out(0x3C0, 0x14);
  rig.in(0x3DA);
  rig.out(0x3C0, 0x12);  // an index again
  CHECK(rig.in(0x3C0) == 0x12);
  rig.out(0x3C0, 0xFF);
  CHECK(rig.in(0x3C1) == 0x3F);
}

TEST_CASE("the palette can be loaded only while the palette address source is the CPU") {
  VgaRig rig;
  rig.in(0x3DA);
  rig.out(0x3C0, 0x03);
  rig.out(0x3C0, 0x2A);
  CHECK(rig.in(0x3C1) == 0x2A);
  rig.out(0x3C0, 0x23);
  rig.out(0x3C0, 0x15);
  CHECK(rig.in(0x3C1) == 0x2A);
  rig.out(0x3C0, 0x34);  // Color Select is no palette register
  rig.out(0x3C0, 0x09);
  CHECK(rig.in(0x3C1) == 0x09);
}

TEST_CASE("the DAC commits a colour at its third component and counts by itself") {
  VgaRig rig;
  rig.out(0x3C8, 0xFF);
  for (const u8 v : {1, 2, 3, 61, 62, 255}) rig.out(0x3C9, v);
  CHECK(rig.in(0x3C8) == 1);
  CHECK(rig.in(0x3C7) == 0);
  rig.out(0x3C7, 0xFF);
  CHECK(rig.in(0x3C7) == 3);
  for (const u8 v : {1, 2, 3, 61, 62, 63}) CHECK(rig.in(0x3C9) == v);

  rig.out(0x3C8, 0xFF);
  rig.out(0x3C9, 9);
  rig.out(0x3C9, 9);
  rig.out(0x3C7, 0xFF);
  CHECK(rig.in(0x3C9) == 1);  // two components changed nothing
  rig.out(0x3C7, 0xFF);       // and start over
  CHECK(rig.in(0x3C9) == 1);
}

TEST_CASE("an 8-bit DAC keeps what 6 bits were shifted to") {
  VgaRig rig;
  rig.out(0x3C8, 7);
  for (const u8 v : {1, 32, 63}) rig.out(0x3C9, v);
  rig.dispi(4, 0x20);
  rig.out(0x3C7, 7);
  for (const u8 v : {4, 128, 252}) CHECK(rig.in(0x3C9) == v);
  rig.out(0x3C8, 7);
  for (const u8 v : {255, 130, 3}) rig.out(0x3C9, v);
  rig.dispi(4, 0x00);
  rig.out(0x3C7, 7);
  for (const u8 v : {63, 32, 0}) CHECK(rig.in(0x3C9) == v);
}

TEST_CASE("the pixel mask and Color Select take part in every colour") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  rig.poke(0xA0000, 0x80);  // colour 15: palette 3Fh
  rig.attribute(0x14, 0x0C);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0xFF));
  CHECK(rig.pixel(1, 0) == VgaRig::color_of(0xC0));
  rig.attribute(0x10, 0x81);  // Color Select gives bits 5-4 too
  rig.attribute(0x14, 0x09);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x9F));
  rig.out(0x3C6, 0x8F);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x8F));
}

TEST_CASE("input status 1 follows the frame: 70 Hz, 449 lines, 2 of them retrace") {
  VgaRig rig;
  rig.set_mode(kText80x25);
  int displayed = 0, retrace = 0, edges = 0;
  bool before = rig.in(0x3DA) & 8;
  constexpr int samples = 200'000;  // one second
  for (int i = 0; i < samples; ++i) {
    const u8 status = rig.in(0x3DA);
    displayed += !(status & 1);
    retrace += status >> 3 & 1;
    edges += (status & 8) && !before;
    before = status & 8;
    rig.clock.advance(microseconds(5));
  }
  CHECK(edges == 70);
  CHECK(displayed == doctest::Approx(samples * (400.0 / 449) * (80.0 / 100)).epsilon(0.01));
  CHECK(retrace == doctest::Approx(samples * (2.0 / 449)).epsilon(0.05));
}

TEST_CASE("640 x 480 runs at 60 Hz, and any registers give a retrace") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  const auto edges_in_a_second = [&] {
    int edges = 0;
    bool before = rig.in(0x3DA) & 8;
    for (int i = 0; i < 100'000; ++i) {
      rig.clock.advance(microseconds(10));
      const bool now = rig.in(0x3DA) & 8;
      edges += now && !before;
      before = now;
    }
    return edges;
  };
  CHECK(edges_in_a_second() == 60);
  rig.crtc(0x10, 0xFF);  // after the end of the frame
  CHECK(edges_in_a_second() == 60);
  rig.dispi_mode(800, 600, 32);
  CHECK(edges_in_a_second() == doctest::Approx(60).epsilon(0.02));
}

TEST_CASE("3C3h switches the adapter off, ports and memory") {
  VgaRig rig;
  rig.set_mode(kText80x25);
  rig.poke(0xB8000, 'A');
  rig.out(0x3C3, 0);
  CHECK(rig.peek(0xB8000) == 0xFF);
  CHECK(rig.in(0x3CC) == 0xFF);
  rig.out(0x3C3, 1);
  CHECK(rig.peek(0xB8000) == 'A');
  CHECK(rig.in(0x3CC) == 0x67);
}

TEST_CASE("a saved state brings back everything") {
  VgaRig rig;
  rig.set_mode(kText80x25);
  rig.put_cell(3, 4, 'x', 0x1F);
  rig.load_glyph(0, 'x', {0xAA, 0x55, 0xAA, 0x55});
  rig.dispi(1, 1024);
  rig.dispi(9, 77);
  rig.out(0x3C8, 5);
  rig.out(0x3C9, 33);
  rig.in(0x3DA);
  rig.out(0x3C0, 0x31);
  rig.render();
  StateWriter saved;
  rig.vga.visit(saved);
  const std::vector<u32> before = rig.picture.pixels;

  rig.dispi_mode(640, 480, 32);
  rig.set_mode(kPacked320x200);
  rig.vga.reset(Reset::power_on);
  StateWriter scrambled;
  rig.vga.visit(scrambled);
  CHECK(scrambled.bytes() != saved.bytes());

  StateReader reader(saved.bytes());
  rig.vga.visit(reader);
  StateWriter again;
  rig.vga.visit(again);
  CHECK(again.bytes() == saved.bytes());
  rig.render();
  CHECK(rig.picture.pixels == before);
  CHECK(rig.peek(0xB8000 + (3 * 80 + 4) * 2) == 'x');
  rig.out(0x3C9, 34);
  rig.out(0x3C9, 35);
  rig.out(0x3C7, 5);
  CHECK(rig.in(0x3C9) == 33);
}

}  // namespace
}  // namespace penumbra
