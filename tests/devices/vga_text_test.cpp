// Text modes: cells drawn from a small font, attributes, cursor, panning, split screen, and the screen as Unicode.
#include <doctest/doctest.h>

#include "tests/support/vga_rig.h"

namespace penumbra {
namespace {

struct TextRig : VgaRig {
  TextRig() {
    set_mode(kText80x25);
    crtc(0x0A, 0x20);  // no cursor
    // 'A' and the line drawing character C4h have their last column set, 'B' its first.
    load_glyph(0, 'A', std::vector<u8>(16, 0x01));
    load_glyph(0, 0xC4, std::vector<u8>(16, 0x01));
    load_glyph(0, 'B', std::vector<u8>(16, 0x80));
    // 'C' shows its row's number.
    std::vector<u8> numbered(16);
    for (u8 i = 0; i < 16; ++i) numbered[i] = i;
    load_glyph(0, 'C', numbered);
  }
  // A row of pixels as text: '#' where it has the colour of `entry`, '.' elsewhere.
  std::string dots(u32 x, u32 y, u32 count, u8 entry) {
    std::string s;
    for (u32 i = 0; i < count; ++i) s += pixel(x + i, y) == color_of(entry) ? '#' : '.';
    return s;
  }
};

// The palette registers' values for the sixteen attribute colours.
constexpr u8 kPalette[16] = {0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x14, 0x07,
                             0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F};

TEST_CASE("a cell is nine dots wide, and only line drawing characters fill the ninth") {
  TextRig rig;
  rig.put_cell(0, 0, 'A', 0x07);
  rig.put_cell(0, 1, 0xC4, 0x07);
  rig.put_cell(0, 2, 'B', 0x07);
  CHECK(rig.render());
  CHECK(rig.picture.width == 720);
  CHECK(rig.picture.height == 400);
  CHECK(rig.dots(0, 0, 27, 0x07) ==
        ".......#........##"
        "#........");
  CHECK(rig.dots(0, 15, 9, 0x07) == ".......#.");
  CHECK(rig.dots(0, 16, 9, 0x07) == ".........");
  CHECK_FALSE(rig.render());
  rig.attribute(0x10, 0x08);  // no line graphics
  CHECK(rig.render());
  CHECK(rig.dots(9, 0, 9, 0x07) == ".......#.");
}

TEST_CASE("foreground and background of every attribute") {
  TextRig rig;
  rig.attribute(0x10, 0x04);  // no blinking: sixteen backgrounds
  for (unsigned attribute = 0; attribute < 256; ++attribute)
    rig.put_cell(attribute / 64, attribute % 64, 'B', static_cast<u8>(attribute));
  rig.render();
  for (unsigned attribute = 0; attribute < 256; ++attribute) {
    const u32 x = attribute % 64 * 9, y = attribute / 64 * 16;
    CHECK(rig.pixel(x, y) == VgaRig::color_of(kPalette[attribute & 15]));
    CHECK(rig.pixel(x + 1, y) == VgaRig::color_of(kPalette[attribute >> 4]));
    CHECK(rig.pixel(x + 8, y) == VgaRig::color_of(kPalette[attribute >> 4]));
  }
}

TEST_CASE("the glyph's row follows the scan line") {
  TextRig rig;
  rig.put_cell(24, 79, 'C', 0x0F);
  rig.render();
  for (u32 row = 0; row < 16; ++row) {
    u32 value = 0;
    for (u32 i = 0; i < 8; ++i) value = value << 1 | (rig.pixel(711 + i, 384 + row) == VgaRig::color_of(0x3F));
    CHECK(value == row);
  }
}

TEST_CASE("eight-dot cells and halved dot clock") {
  TextRig rig;
  rig.put_cell(0, 0, 'B', 0x07);
  rig.put_cell(0, 1, 'B', 0x07);
  rig.sequencer(1, 0x01);
  rig.attribute(0x13, 0);
  rig.render();
  CHECK(rig.picture.width == 640);
  CHECK(rig.dots(0, 0, 16, 0x07) == "#.......#.......");
  rig.sequencer(1, 0x08);
  rig.attribute(0x13, 8);
  rig.crtc(0x11, 0x0E);
  rig.crtc(0x01, 39);
  rig.render();
  CHECK(rig.picture.width == 720);
  CHECK(rig.dots(0, 0, 20, 0x07) == "##................##");
}

TEST_CASE("132 columns, and any font height") {
  TextRig rig;
  rig.crtc(0x11, 0x0E);
  rig.crtc(0x01, 131);
  rig.crtc(0x13, 66);
  rig.crtc(0x09, 0x47);  // eight scan lines a row
  rig.sequencer(1, 0x01);
  rig.attribute(0x13, 0);
  rig.poke(0xB8000 + (132 * 49 + 131) * 2, 'B');
  rig.poke(0xB8001 + (132 * 49 + 131) * 2, 0x07);
  rig.render();
  CHECK(rig.picture.width == 1056);
  CHECK(rig.dots(131 * 8, 392, 8, 0x07) == "#.......");
  const std::vector<std::string> rows = rig.vga.text();
  CHECK(rows.size() == 50);
  CHECK(rows[49] == std::string(131, ' ') + "B");
}

TEST_CASE("attribute bit 7 blinks every 16 frames, if blinking is on") {
  TextRig rig;
  rig.put_cell(0, 0, 'B', 0x9F);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x3F));
  CHECK(rig.pixel(1, 0) == VgaRig::color_of(0x01));
  rig.clock.advance_to(milliseconds(16 * 1000 / 70 + 5));
  CHECK(rig.render());
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x01));
  rig.clock.advance_to(milliseconds(32 * 1000 / 70 + 5));
  CHECK(rig.render());
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x3F));
  rig.attribute(0x10, 0x04);
  rig.render();
  CHECK(rig.pixel(1, 0) == VgaRig::color_of(0x39));
}

TEST_CASE("the cursor fills its scan lines and blinks every 8 frames") {
  TextRig rig;
  rig.put_cell(2, 5, ' ', 0x07);
  rig.crtc(0x0E, 0);
  rig.crtc(0x0F, 2 * 80 + 5);
  rig.crtc(0x0A, 13);
  rig.crtc(0x0B, 14);
  rig.render();
  CHECK(rig.dots(44, 32 + 12, 11, 0x07) == "...........");
  CHECK(rig.dots(44, 32 + 13, 11, 0x07) == ".#########.");
  CHECK(rig.dots(44, 32 + 14, 11, 0x07) == ".#########.");
  CHECK(rig.dots(44, 32 + 15, 11, 0x07) == "...........");
  rig.clock.advance_to(milliseconds(8 * 1000 / 70 + 5));
  CHECK(rig.render());
  CHECK(rig.dots(44, 32 + 13, 11, 0x07) == "...........");
  rig.clock.advance_to(Ticks(0) + milliseconds(16 * 1000 / 70 + 5).value);
  rig.render();
  CHECK(rig.dots(44, 32 + 13, 11, 0x07) == ".#########.");

  rig.crtc(0x0B, 14 | 1 << 5);  // skewed by one character; the cell there is black on black
  rig.put_cell(2, 6, ' ', 0x07);
  rig.render();
  CHECK(rig.dots(45, 32 + 13, 18, 0x07) == ".........#########");
  rig.crtc(0x0A, 15);  // starts after its end
  rig.render();
  CHECK(rig.dots(45, 32 + 13, 18, 0x07) == "..................");
  rig.crtc(0x0A, 0x2D);  // off
  rig.render();
  CHECK(rig.dots(45, 32 + 13, 18, 0x07) == "..................");
}

TEST_CASE("underline for attributes x000x001, at its scan line") {
  TextRig rig;
  rig.crtc(0x14, 0x0D);
  rig.attribute(0x01, 0x08);
  rig.put_cell(0, 0, ' ', 0x01);
  rig.put_cell(0, 1, ' ', 0x07);
  rig.render();
  CHECK(rig.dots(0, 13, 18, 0x08) == "#########.........");
  CHECK(rig.dots(0, 12, 18, 0x08) == "..................");
}

TEST_CASE("Character Map Select gives attribute bit 3 a font of its own") {
  constexpr u32 places[8] = {0, 0x4000, 0x8000, 0xC000, 0x2000, 0x6000, 0xA000, 0xE000};
  TextRig rig;
  for (u8 table = 0; table < 8; ++table) rig.load_glyph(places[table], 'X', {static_cast<u8>(0xF0 | table)});
  rig.put_cell(0, 0, 'X', 0x07);
  rig.put_cell(0, 1, 'X', 0x0F);
  const auto shown = [&](u32 x, u8 entry) {
    u8 value = 0;
    for (u32 i = 0; i < 8; ++i) value = static_cast<u8>(value << 1 | (rig.pixel(x + i, 0) == VgaRig::color_of(entry)));
    return value & 7;
  };
  for (u8 a = 0; a < 8; ++a) {
    const u8 b = (a + 3) & 7;
    rig.sequencer(3, static_cast<u8>((a & 3) << 2 | (a >> 2) << 5 | (b & 3) | (b >> 2) << 4));
    rig.render();
    CHECK(shown(0, 0x07) == b);
    CHECK(shown(9, 0x3F) == a);
  }
}

TEST_CASE("start address, panning and preset row scan move the picture") {
  TextRig rig;
  for (u32 column = 0; column < 80; ++column) rig.put_cell(3, column, 'B', 0x07);
  rig.put_cell(3, 0, 'C', 0x07);
  rig.crtc(0x0C, 0);
  rig.crtc(0x0D, 3 * 80);
  rig.render();
  CHECK(rig.dots(0, 3, 18, 0x07) == "......##.#........");
  rig.attribute(0x13, 0);  // one dot to the left
  rig.render();
  CHECK(rig.dots(0, 3, 17, 0x07) == ".....##.#........");
  rig.attribute(0x13, 7);
  rig.render();
  CHECK(rig.dots(0, 3, 10, 0x07) == ".#........");
  rig.attribute(0x13, 8);
  rig.crtc(0x08, 3);
  rig.render();
  CHECK(rig.dots(0, 0, 9, 0x07) == "......##.");
  CHECK(rig.dots(0, 12, 9, 0x07) == "....####.");
  CHECK(rig.dots(0, 13, 9, 0x07) == ".........");
  rig.crtc(0x08, 0x23);  // and one character to the left
  rig.render();
  CHECK(rig.dots(0, 0, 9, 0x07) == "#........");
}

TEST_CASE("the split screen starts at address 0 after the line compare") {
  TextRig rig;
  rig.put_cell(0, 0, 'B', 0x07);
  rig.put_cell(10, 0, 'A', 0x07);
  rig.crtc(0x0C, 800 >> 8);
  rig.crtc(0x0D, 800 & 0xFF);
  rig.crtc(0x18, 99);
  rig.crtc(0x07, 0x0F);
  rig.crtc(0x09, 0x0F);
  rig.attribute(0x13, 0);
  rig.render();
  CHECK(rig.dots(0, 0, 9, 0x07) == "......#..");
  CHECK(rig.dots(0, 99, 9, 0x07) == ".........");
  CHECK(rig.dots(0, 99 + 16, 9, 0x07) == ".........");  // 'B' panned out of view
  rig.attribute(0x10, 0x2C);                            // panning ends at the split
  rig.render();
  CHECK(rig.dots(0, 0, 9, 0x07) == "......#..");
  CHECK(rig.dots(0, 100, 9, 0x07) == "#........");
  const std::vector<std::string> rows = rig.vga.text();
  CHECK(rows.at(0) == "A");
  CHECK(rows.at(7) == "B");
}

TEST_CASE("text() maps all of code page 437") {
  TextRig rig;
  for (unsigned c = 0; c < 256; ++c) rig.put_cell(c / 32, c % 32, static_cast<u8>(c), 0x07);
  for (u32 row = 0; row < 8; ++row) rig.put_cell(row, 32, '|', 0x07);
  const std::vector<std::string> rows = rig.vga.text();
  REQUIRE(rows.size() == 25);
  CHECK(rows[0] == " ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼|");
  CHECK(rows[1] == " !\"#$%&'()*+,-./0123456789:;<=>?|");
  CHECK(rows[2] == "@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_|");
  CHECK(rows[3] == "`abcdefghijklmnopqrstuvwxyz{|}~⌂|");
  CHECK(rows[4] == "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ|");
  CHECK(rows[5] == "áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐|");
  CHECK(rows[6] == "└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀|");
  CHECK(rows[7] == "αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0|");
  CHECK(rows[8].empty());
}

TEST_CASE("trailing blanks go, and graphics modes have no text") {
  TextRig rig;
  rig.put_cell(0, 2, 'x', 0x07);
  rig.put_cell(0, 3, ' ', 0x70);
  CHECK(rig.vga.text()[0] == "  x");
  rig.set_mode(kPacked320x200);
  CHECK(rig.vga.text().empty());
}

TEST_CASE("a blanked screen goes dark, but not for an instant's blanking") {
  TextRig rig;
  rig.attribute(0x11, 0x02);
  rig.put_cell(0, 0, 'B', 0x07);
  rig.render();
  rig.sequencer(1, 0x20);
  CHECK_FALSE(rig.render());
  rig.clock.advance(milliseconds(60));
  CHECK(rig.render());
  CHECK(rig.pixel(0, 0) == 0);
  CHECK_FALSE(rig.render());
  rig.sequencer(1, 0x00);
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x07));
  rig.in(0x3DA);
  rig.out(0x3C0, 0x00);  // the palette address source is the CPU: the overscan colour
  rig.clock.advance(milliseconds(60));
  rig.render();
  CHECK(rig.pixel(0, 0) == VgaRig::color_of(0x02));
}

}  // namespace
}  // namespace penumbra
