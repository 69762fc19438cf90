// The video part of the BIOS data area and the interrupt vectors a VGA BIOS owns (IBM PS/2 and PC BIOS Interface
// Technical Reference, "BIOS Data Area"). GS is 0 while C code runs.
#pragma once

#include "machine.h"

typedef struct {
  u8 column;
  u8 row;
} CursorPosition;

typedef struct __attribute__((packed)) {
  u8 not_ours_400[0x10];
  u16 equipment;  // 410h: bits 5-4 = 11 for a monochrome display
  u8 not_ours_412[0x37];
  u8 mode;                   // 449h
  u16 columns;               // 44Ah
  u16 page_size;             // 44Ch, bytes
  u16 page_start;            // 44Eh, bytes
  CursorPosition cursor[8];  // 450h, one a page
  u8 cursor_end;             // 460h, as the caller gave it
  u8 cursor_start;           // 461h
  u8 page;                   // 462h
  u16 crtc_port;             // 463h: 3D4h or 3B4h
  u8 cga_mode;               // 465h: what port 3D8h of a CGA would hold
  u8 cga_color;              // 466h: what port 3D9h of a CGA would hold
  u8 not_ours_467[0x1D];
  u8 last_row;      // 484h: rows - 1
  u16 char_height;  // 485h
  u8 control;       // 487h, kControl...
  u8 switches;      // 488h: EGA switches and feature bits
  u8 flags;         // 489h, kFlag...
  u8 combination;   // 48Ah: index into the display combination code table
  u8 not_ours_48b[0x1D];
  FarPointer save_pointers;  // 4A8h
} BiosDataLayout;
#define bda ((__seg_gs BiosDataLayout*)0x400)

enum {
  kControlNoCursorEmulation = 0x01,
  kControlMonochrome = 0x02,
  kControlMemory256K = 0x60,
  kControlNoClear = 0x80,

  kFlagVgaActive = 0x01,
  kFlagGreySumming = 0x02,
  kFlagMonochromeDisplay = 0x04,
  kFlagNoPaletteLoad = 0x08,
  kFlag400Lines = 0x10,
  kFlagCombinationTable = 0x40,
  kFlag200Lines = 0x80,
};

#define vectors ((__seg_gs FarPointer*)0)
enum {
  kVectorPrintScreen = 0x05,
  kVectorVideo = 0x10,
  kVectorVideoParameters = 0x1D,
  kVectorUpperFont = 0x1F,
  kVectorOldVideo = 0x42,
  kVectorFont = 0x43,
  kVectorVgaVideo = 0x6D,
};
