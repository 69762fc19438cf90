// The VGA BIOS's own interfaces, one block for each source file.
#pragma once

#include "bios_data.h"
#include "machine.h"

enum {
  kRomSegment = 0xC000,

  kAttributePort = 0x3C0,
  kAttributeReadPort = 0x3C1,
  kMiscWritePort = 0x3C2,
  kVideoEnablePort = 0x3C3,
  kSequencerPort = 0x3C4,
  kDacMaskPort = 0x3C6,
  kDacReadPort = 0x3C7,
  kDacWritePort = 0x3C8,
  kDacDataPort = 0x3C9,
  kFeatureReadPort = 0x3CA,
  kMiscReadPort = 0x3CC,
  kGraphicsPort = 0x3CE,
};
#define ROM_POINTER(object) ((u32)(object) + ((u32)kRomSegment << 16))
#define FAR_NULL(pointer) (((pointer).offset | (pointer).segment) == 0)

// entry.S
extern const u8 int10_entry[];
extern const u8 print_screen_entry[];
extern const u8 vbe_window_function[];
extern const u8 vbe_protected_mode_interface[];
extern const u8 vbe_protected_mode_interface_end[];
u8 call_printer(u8 character);

// int10.c
void int10(Frame frame);

// modes.c: what the standard modes and our own text modes are.
enum {
  kModeVbeGraphics = 0x6F,  // stands at 449h while a VBE graphics mode is set
  kFirstVbeTextMode = 0x50,
  kLastVbeTextMode = 0x54,
};
typedef enum { kText, kCga, kPlanar, kLinear256, kVbePlanar, kVbePacked } MemoryModel;
typedef enum { kPalette16, kPaletteCga, kPaletteMono, kPalette256 } DefaultPalette;

// One entry of the video parameter table, the format which save pointer tables use too.
typedef struct __attribute__((packed)) {
  u8 columns;
  u8 last_row;
  u8 char_height;
  u16 page_size;
  u8 sequencer[4];  // registers 1-4
  u8 misc;
  u8 crtc[25];
  u8 attribute[20];
  u8 graphics[9];
} VideoParameters;
extern const VideoParameters video_parameters[29];
extern const VideoParameters wide_text_parameters[5];
bool mode_exists(u8 mode);
MemoryModel memory_model(void);
u8 parameter_index(u8 mode);
DefaultPalette default_palette(u8 mode);
u8 mode_page_count(u8 mode);

// mode_set.c
void set_mode(u8 mode, bool clear);
void program_registers(u16 segment, u16 offset);
void crtc_write(u8 index, u8 value);
u8 crtc_read(u8 index);
void video_refresh(bool on);
void install_tables(void);

// cursor.c
void set_cursor_shape(u8 start, u8 end);
void set_cursor_position(u8 page, u8 row, u8 column);
void select_page(u8 page);

// screen.c: characters in whatever mode is set.
typedef struct {
  u8 top, left, bottom, right;
} Window;
u16 text_segment(void);
void scroll(u32 top_left, u32 bottom_right, s32 lines, u8 attribute);
u16 read_cell(u8 page);
void write_cells(u8 page, u8 row, u8 column, u8 character, u8 attribute, u16 count, bool keep_attribute);
void write_teletype(u8 page, u8 character, u8 attribute, bool keep_attribute);
u8 erase_attribute(u8 page);
u8 screen_columns(void);

// graphics.c: glyphs, pixels and scan lines of the graphics modes.
void draw_glyph(u32 row, u32 column, u8 character, u8 color, u8 page);
u8 read_glyph(u32 row, u32 column, u8 page);
void move_line(u32 to_y, u32 from_y, u32 column, u32 columns);
void fill_line(u32 y, u32 column, u32 columns, u8 color);
void write_pixel(u32 x, u32 y, u8 color, u8 page);
u8 read_pixel(u32 x, u32 y, u8 page);

// packed.c: the same for VBE modes with 8 bits a pixel and more, and mode 13h.
void packed_draw_glyph(u32 x, u32 y, FarPointer glyph, u32 height, u8 color, bool exclusive_or);
u8 packed_read_row(u32 x, u32 y);
void packed_move(u32 to_y, u32 from_y, u32 x, u32 width);
void packed_fill(u32 x, u32 y, u32 width, u8 color);
void packed_write_pixel(u32 x, u32 y, u8 color);
u8 packed_read_pixel(u32 x, u32 y);

// palette.c
void load_default_palette(DefaultPalette palette);
void set_cga_palette(u8 function, u8 value);
void palette_functions(Frame frame);
void attribute_write(u8 index, u8 value);
u8 attribute_read(u8 index);
void dac_write(u8 index, u8 red, u8 green, u8 blue);
void sum_to_grey(u8 first, u16 count);

// font.c, and the fonts which the build draws from fonts/*.txt
extern const u8 font_8x16[4096];
extern const u8 font_8x14[3584];
extern const u8 font_8x8[2048];
void load_glyphs(u16 segment, u16 offset, u8 first, u16 count, u8 height, u8 block);
void load_rom_font(u8 height, u8 block);
void apply_font_override(void);
void font_functions(Frame frame);

// select.c, info.c, state.c
void select_functions(Frame frame);
void print_screen(void);
void combination_functions(Frame frame);
void state_table(Frame frame);
void install_save_pointers(void);
void state_functions(Frame frame);
u16 state_size(u16 parts);
void save_state(u16 parts, u16 segment, u16 offset);
void restore_state(u16 parts, u16 segment, u16 offset);

// dispi.c: the Bochs display interface.
enum {
  kDispiId = 0,
  kDispiWidth,
  kDispiHeight,
  kDispiDepth,
  kDispiEnable,
  kDispiBank,
  kDispiVirtualWidth,
  kDispiVirtualHeight,
  kDispiXOffset,
  kDispiYOffset,
  kDispiMemory64K,

  kEnableOn = 0x01,
  kEnableCapabilities = 0x02,
  kEnable8BitDac = 0x20,
  kEnableLinear = 0x40,
  kEnableNoClear = 0x80,
};
u16 dispi_read(u16 index);
void dispi_write(u16 index, u16 value);
void dispi_select_bank(u16 bank);
bool dispi_present(void);
void dispi_off(void);
u32 video_memory_size(void);
u32 linear_framebuffer(void);

// vbe.c, vbe_modes.c, vbe_control.c, edid.c
typedef struct {
  u16 number;
  u16 width, height;
  u8 depth;  // bits a pixel; 0 marks a text mode
} VbeMode;
extern const VbeMode vbe_modes[];
extern const u16 vbe_mode_count;
const VbeMode* find_vbe_mode(u16 number);
bool vbe_mode_fits(const VbeMode* mode);
u32 vbe_bytes_per_line(u32 width, u8 depth);
u16 current_vbe_mode(void);
void vbe_functions(Frame frame);
u16 vbe_scan_line(Frame frame);
u16 vbe_display_start(Frame frame);
u16 vbe_window(Frame frame);
u16 vbe_dac_width(Frame frame);
u16 vbe_palette(Frame frame);
u16 vbe_state(Frame frame);
u16 vbe_power(Frame frame);
u16 vbe_edid(Frame frame);
