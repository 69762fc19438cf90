// The BIOS data area at 0040:0000 and the extended one at 9FC0:0000.
#pragma once

#include "io.h"
#include "layout.h"

struct bda {
  u16 com_port[4];             // 00
  u16 lpt_port[3];             // 08
  u16 ebda_segment;            // 0E
  u16 equipment;               // 10
  u8 post_status;              // 12
  u16 memory_kib;              // 13
  u16 reserved_15;             // 15
  u8 shift_flags;              // 17
  u8 shift_keys;               // 18
  u8 alt_number;               // 19
  u16 key_head;                // 1A
  u16 key_tail;                // 1C
  u16 key_buffer[16];          // 1E
  u8 floppy_recalibrated;      // 3E: bit 7 is set by IRQ 6
  u8 floppy_motor;             // 3F
  u8 floppy_motor_ticks;       // 40
  u8 floppy_status;            // 41
  u8 floppy_result[7];         // 42
  u8 video[29];                // 49-65
  u8 cga_palette;              // 66
  struct far_ptr reset_entry;  // 67
  u8 unexpected_irq;           // 6B
  u32 ticks;                   // 6C
  u8 midnight;                 // 70
  u8 break_flag;               // 71
  u16 reset_flag;              // 72
  u8 disk_status;              // 74
  u8 disk_count;               // 75
  u8 disk_control;             // 76
  u8 disk_port_offset;         // 77
  u8 lpt_timeout[4];           // 78
  u8 com_timeout[4];           // 7C
  u16 key_buffer_start;        // 80
  u16 key_buffer_end;          // 82
  u8 video_rows[7];            // 84-8A
  u8 floppy_rate;              // 8B
  u8 disk_ata_status;          // 8C
  u8 disk_ata_error;           // 8D
  u8 disk_interrupt;           // 8E: FFh after IRQ 14
  u8 floppy_kind;              // 8F
  u8 floppy_media[2];          // 90
  u8 floppy_media_start[2];    // 92
  u8 floppy_cylinder[2];       // 94
  u8 key_flags;                // 96: E0/E1 seen, right Alt and Ctrl, enhanced keyboard
  u8 led_flags;                // 97
  struct far_ptr wait_flag;    // 98
  u32 wait_microseconds;       // 9C
  u8 wait_active;              // A0
  u8 reserved_a1[7];           // A1
  struct far_ptr video_save;   // A8
} packed;

_Static_assert(__builtin_offsetof(struct bda, floppy_recalibrated) == 0x3E, "BDA layout");
_Static_assert(__builtin_offsetof(struct bda, reset_entry) == 0x67, "BDA layout");
_Static_assert(__builtin_offsetof(struct bda, key_buffer_start) == 0x80, "BDA layout");
_Static_assert(__builtin_offsetof(struct bda, key_flags) == 0x96, "BDA layout");
_Static_assert(__builtin_offsetof(struct bda, video_save) == 0xA8, "BDA layout");

#define BDA ((volatile struct bda LOW*)0x400)
#define IVT ((volatile struct far_ptr LOW*)0)

// Extended BIOS data area, as PS/2s lay it out; the rest is unused.
struct ebda {
  u8 kib;  // 00
  u8 reserved_01[0x21];
  struct far_ptr mouse_handler;  // 22
  u8 mouse_flags1;               // 26: bits 2-0 bytes received
  u8 mouse_flags2;               // 27: bit 7 handler installed, bits 2-0 packet size
  u8 mouse_packet[8];            // 28
  u8 reserved_30[0x0D];
  u8 disk_table[2][16];  // 3D: what INT 41h and 46h point to
} packed;

_Static_assert(__builtin_offsetof(struct ebda, mouse_handler) == 0x22, "EBDA layout");
_Static_assert(__builtin_offsetof(struct ebda, disk_table) == 0x3D, "EBDA layout");

// Beyond the reach of segment 0, and programs may move it: each use loads GS.
#define EBDA (load_gs(BDA->ebda_segment), (volatile struct ebda __seg_gs*)0)
