// Text modes: a scan line of character cells as pixels, and a screen of them as Unicode.
// Source: IBM PS/2 Hardware Interface Technical Reference: "Alphanumeric Modes", Character Map Select, Cursor Start and
// End, Underline Location, Attribute Mode Control.
#pragma once

#include <array>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"
#include "devices/vga_memory.h"
#include "devices/vga_registers.h"
#include "devices/vga_scan.h"

namespace penumbra {

// UTF-8 of a code page 437 character as screen memory holds it: 01h-1Fh and 7Fh are their pictures, 00h is a blank.
std::string_view code_page_437(u8 character);

// Whether blinking things show, now.
struct VgaBlink {
  bool cursor;
  bool characters;
  bool operator==(const VgaBlink&) const = default;
};

// Draws scan lines of text as the registers stand when it is made.
class VgaTextPainter {
 public:
  // `colors` are the sixteen attribute colours as pixels.
  VgaTextPainter(const VgaRegisters& registers, const VgaMemory& memory, const std::array<u32, 16>& colors,
                 VgaBlink blink);

  // The scan line's first `characters` cells, 8 or 9 pixels each, into `to`.
  void draw(const VgaScan& scan, u32 characters, u32* to) const;

 private:
  struct Cell {
    u32 foreground;
    u32 background;
    u8 dots;
    bool ninth;
  };
  Cell cell(u32 planes, u32 row_scan) const;
  bool in_cursor(u32 row_scan) const;

  const VgaMemory& memory_;
  const std::array<u32, 16>& colors_;
  const VgaAddressing addressing_;
  const VgaBlink blink_;
  u32 font_[2];  // in plane 2, by attribute bit 3
  u32 underline_row_;
  u32 cursor_first_;
  u32 cursor_last_;
  u32 cursor_address_;
  bool cursor_shows_;
  bool nine_dots_;
  bool line_graphics_;
  bool blink_enabled_;
};

// The rows of a text mode from top to bottom, as they are displayed, without trailing blanks.
std::vector<std::string> vga_text(const VgaRegisters& registers, const VgaMemory& memory);

}  // namespace penumbra
