// Character cells: fonts, attributes, cursor, underline; and code page 437.
#include "devices/vga_text.h"

#include <algorithm>

namespace penumbra {

namespace {

constexpr std::u16string_view kCodePage437 =
    u" ☺☻♥♦♣♠•◘○◙♂♀♪♫☼►◄↕‼¶§▬↨↑↓→←∟↔▲▼"
    u" !\"#$%&'()*+,-./0123456789:;<=>?"
    u"@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_"
    u"`abcdefghijklmnopqrstuvwxyz{|}~⌂"
    u"ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒ"
    u"áíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐"
    u"└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀"
    u"αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\u00A0";
static_assert(kCodePage437.size() == 256);

struct Utf8 {
  char bytes[3];
  u8 count;
};

constexpr std::array<Utf8, 256> kUtf8 = [] {
  std::array<Utf8, 256> table{};
  for (unsigned i = 0; i < 256; ++i) {
    const unsigned c = kCodePage437[i];
    if (c < 0x80) {
      table[i] = {{static_cast<char>(c)}, 1};
    } else if (c < 0x800) {
      table[i] = {{static_cast<char>(0xC0 | c >> 6), static_cast<char>(0x80 | (c & 0x3F))}, 2};
    } else {
      table[i] = {{static_cast<char>(0xE0 | c >> 12), static_cast<char>(0x80 | (c >> 6 & 0x3F)),
                   static_cast<char>(0x80 | (c & 0x3F))},
                  3};
    }
  }
  return table;
}();

// All ones for each dot of a font byte that is set, leftmost first.
constexpr auto kDotMasks = [] {
  std::array<std::array<u32, 8>, 256> table{};
  for (unsigned dots = 0; dots < 256; ++dots)
    for (unsigned i = 0; i < 8; ++i) table[dots][i] = 0u - (dots >> (7 - i) & 1u);
  return table;
}();

constexpr bool is_blank(u8 character) { return character == 0 || character == ' ' || character == 0xFF; }

// Character Map Select names eight tables of 8 KiB: the even ones are VGA's first four, 16 KiB apart.
constexpr u32 font_offset(unsigned low_bits, bool high_bit) { return low_bits * 0x4000 + (high_bit ? 0x2000 : 0); }

}  // namespace

std::string_view code_page_437(u8 character) { return {kUtf8[character].bytes, kUtf8[character].count}; }

VgaTextPainter::VgaTextPainter(const VgaRegisters& registers, const VgaMemory& memory,
                               const std::array<u32, 16>& colors, VgaBlink blink)
    : memory_(memory), colors_(colors), addressing_(registers), blink_(blink) {
  const u8 map = registers.sequencer(SequencerIndex::character_map_select);
  font_[0] = font_offset(map & 3u, bit(map, 4));
  font_[1] = font_offset(map >> 2 & 3u, bit(map, 5));
  underline_row_ = registers.crtc(CrtcIndex::underline_location) & 0x1F;
  const u8 start = registers.crtc(CrtcIndex::cursor_start);
  const u8 end = registers.crtc(CrtcIndex::cursor_end);
  cursor_first_ = start & 0x1F;
  cursor_last_ = end & 0x1F;
  cursor_shows_ = blink.cursor && !(start & 0x20);
  cursor_address_ = registers.cursor_location() + (end >> 5 & 3);  // with its skew
  nine_dots_ = registers.geometry().dots_per_character == 9;
  const u8 mode = registers.attribute(AttributeIndex::mode_control);
  line_graphics_ = mode & 0x04;
  blink_enabled_ = mode & 0x08;
}

bool VgaTextPainter::in_cursor(u32 row_scan) const { return row_scan >= cursor_first_ && row_scan <= cursor_last_; }

VgaTextPainter::Cell VgaTextPainter::cell(u32 planes, u32 row_scan) const {
  const u8 character = static_cast<u8>(planes);
  const u8 attribute = static_cast<u8>(planes >> 8);
  Cell c;
  c.dots = memory_.plane_byte(2, font_[attribute >> 3 & 1] + character * 32u + row_scan);
  c.ninth = line_graphics_ && (character & 0xE0) == 0xC0 && c.dots & 1;
  if (row_scan == underline_row_ && (attribute & 0x77) == 0x01) {
    c.dots = 0xFF;
    c.ninth = true;
  }
  c.foreground = colors_[attribute & 0x0F];
  if (blink_enabled_) {
    c.background = colors_[attribute >> 4 & 7];
    if (attribute & 0x80 && !blink_.characters) c.foreground = c.background;
  } else {
    c.background = colors_[attribute >> 4];
  }
  return c;
}

void VgaTextPainter::draw(const VgaScan& scan, u32 characters, u32* to) const {
  const u32 row_scan = scan.row_scan();
  const bool cursor_row = cursor_shows_ && in_cursor(row_scan);
  for (u32 i = 0; i < characters; ++i) {
    const u32 counter = scan.counter() + (i >> addressing_.clocks_shift());
    Cell c = cell(memory_.planes(addressing_.offset(counter, row_scan)), row_scan);
    if (cursor_row && (counter & 0xFFFF) == (cursor_address_ & 0xFFFF)) {
      c.dots = 0xFF;
      c.ninth = true;
    }
    const u32 flip = c.foreground ^ c.background;
    const std::array<u32, 8>& masks = kDotMasks[c.dots];
    for (unsigned dot = 0; dot < 8; ++dot) to[dot] = c.background ^ (flip & masks[dot]);
    to += 8;
    if (nine_dots_) *to++ = c.ninth ? c.foreground : c.background;
  }
}

std::vector<std::string> vga_text(const VgaRegisters& registers, const VgaMemory& memory) {
  const VgaGeometry g = registers.geometry();
  const VgaAddressing addressing(registers);
  VgaScan scan(registers);
  std::vector<std::string> rows;
  for (u32 line = 0; line < g.lines_displayed; ++line, scan.next_line()) {
    if (!scan.starts_row()) continue;
    std::string text;
    std::size_t used = 0;
    for (u32 i = 0; i < g.characters_displayed; ++i) {
      const u32 counter = scan.counter() + (i >> addressing.clocks_shift());
      const u8 character = memory.plane_byte(0, addressing.offset(counter, scan.row_scan()));
      text += code_page_437(character);
      if (!is_blank(character)) used = text.size();
    }
    text.resize(used);
    rows.push_back(std::move(text));
  }
  return rows;
}

}  // namespace penumbra
