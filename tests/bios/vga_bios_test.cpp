// The VGA BIOS image against what a system BIOS looks at before it calls an option ROM, and its fonts against each
// other.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <numeric>
#include <string>
#include <vector>

#include "bios/firmware.h"

namespace penumbra {
namespace {

u32 word(std::span<const u8> rom, std::size_t at) { return rom[at] | rom[at + 1] << 8; }

using Glyph = std::vector<std::string>;

// The glyphs of a font drawing, in the order of their codes.
std::vector<Glyph> read_font(int height) {
  std::ifstream file(std::string(PENUMBRA_SOURCE_DIR) + "/bios/vga/fonts/font_8x" + std::to_string(height) + ".txt");
  REQUIRE(file);
  std::vector<Glyph> glyphs;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("code ")) glyphs.emplace_back();
    if (!glyphs.empty() && line.size() == 8 && line.find_first_not_of("#.") == std::string::npos)
      glyphs.back().push_back(line);
  }
  REQUIRE(glyphs.size() == 256);
  return glyphs;
}

// The left or right column of a cell, from top to bottom.
std::string side(const Glyph& glyph, bool right) {
  std::string dots;
  for (const std::string& row : glyph) dots += row[right ? 7 : 0];
  return dots;
}

constexpr int kHeights[] = {8, 14, 16};

TEST_CASE("the image is a PCI option ROM for the VGA function") {
  const std::span<const u8> rom = vga_bios();
  REQUIRE(rom.size() >= 512);
  CHECK(rom.size() <= 65536);
  CHECK(rom.size() % 512 == 0);
  CHECK(word(rom, 0) == 0xAA55);
  CHECK(rom[2] * 512u == rom.size());
  CHECK(std::accumulate(rom.begin(), rom.end(), 0u) % 256 == 0);
  CHECK(std::string(rom.begin() + 0x1E, rom.begin() + 0x21) == "IBM");

  const u32 pci = word(rom, 0x18);
  REQUIRE(pci + 0x18 <= rom.size());
  CHECK(pci % 4 == 0);
  CHECK(std::string(rom.begin() + pci, rom.begin() + pci + 4) == "PCIR");
  CHECK(word(rom, pci + 4) == 0x1234);
  CHECK(word(rom, pci + 6) == 0x1111);
  CHECK(rom[pci + 0x0D] == 0x00);
  CHECK(rom[pci + 0x0E] == 0x00);
  CHECK(rom[pci + 0x0F] == 0x03);
  CHECK(word(rom, pci + 0x10) * 512 == rom.size());
  CHECK(rom[pci + 0x14] == 0);
  CHECK((rom[pci + 0x15] & 0x80) != 0);
}

TEST_CASE("no two characters look the same but the three blanks") {
  for (const int height : kHeights) {
    CAPTURE(height);
    const std::vector<Glyph> glyphs = read_font(height);
    std::map<Glyph, std::size_t> seen;
    for (std::size_t code = 0; code < 256; ++code) {
      CAPTURE(code);
      CHECK(glyphs[code].size() == static_cast<std::size_t>(height));
      const auto [first, is_new] = seen.emplace(glyphs[code], code);
      const bool blank = code == 0x20 || code == 0xFF;
      CHECK(is_new != blank);
      if (blank) CHECK(first->second == 0);
    }
  }
}

TEST_CASE("box-drawing characters join their neighbours") {
  // Characters with a single (or double) line to the left, right, top and bottom.
  const std::string single_left = "\xB4\xB6\xB7\xBD\xBF\xC1\xC2\xC4\xC5\xD0\xD2\xD7\xD9";
  const std::string single_right = "\xC0\xC1\xC2\xC3\xC4\xC5\xC7\xD0\xD2\xD3\xD6\xD7\xDA";
  const std::string double_left = "\xB5\xB8\xB9\xBB\xBC\xBE\xCA\xCB\xCD\xCE\xCF\xD1\xD8";
  const std::string double_right = "\xC6\xC8\xC9\xCA\xCB\xCC\xCD\xCE\xCF\xD1\xD4\xD5\xD8";
  const std::string single_up = "\xB3\xB4\xB5\xBE\xC0\xC1\xC3\xC5\xC6\xCF\xD4\xD8\xD9";
  const std::string single_down = "\xB3\xB4\xB5\xB8\xBF\xC2\xC3\xC5\xC6\xD1\xD5\xD8\xDA";
  const std::string double_up = "\xB6\xB9\xBA\xBC\xBD\xC7\xC8\xCA\xCC\xCE\xD0\xD3\xD7";
  const std::string double_down = "\xB6\xB7\xB9\xBA\xBB\xC7\xC9\xCB\xCC\xCE\xD2\xD6\xD7";
  for (const int height : kHeights) {
    CAPTURE(height);
    const std::vector<Glyph> glyphs = read_font(height);
    const auto glyph = [&](char code) -> const Glyph& { return glyphs[static_cast<u8>(code)]; };
    for (int code = 0xB3; code <= 0xDA; ++code) {
      CAPTURE(code);
      const char character = static_cast<char>(code);
      const auto in = [&](const std::string& set) { return set.find(character) != std::string::npos; };
      const std::string none(static_cast<std::size_t>(height), '.');
      const Glyph& drawn = glyph(character);
      CHECK(side(drawn, false) == (in(single_left)   ? side(glyph('\xC4'), false)
                                   : in(double_left) ? side(glyph('\xCD'), false)
                                                     : none));
      CHECK(side(drawn, true) == (in(single_right)   ? side(glyph('\xC4'), true)
                                  : in(double_right) ? side(glyph('\xCD'), true)
                                                     : none));
      CHECK(drawn.front() == (in(single_up)   ? glyph('\xB3').front()
                              : in(double_up) ? glyph('\xBA').front()
                                              : std::string("........")));
      CHECK(drawn.back() == (in(single_down)   ? glyph('\xB3').back()
                             : in(double_down) ? glyph('\xBA').back()
                                               : std::string("........")));
    }
    CHECK(side(glyph('\xC4'), false) == side(glyph('\xC4'), true));
    CHECK(side(glyph('\xCD'), false) == side(glyph('\xCD'), true));
    CHECK(glyph('\xDB') == Glyph(static_cast<std::size_t>(height), "########"));
  }
}

}  // namespace
}  // namespace penumbra
