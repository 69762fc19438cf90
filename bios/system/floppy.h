// The floppy controller as INT 13h uses it. Statuses are INT 13h's.
#pragma once

#include "types.h"

// The 8237's mode for channel 2.
enum floppy_direction { kFloppyRead = 0x46, kFloppyWrite = 0x4A, kFloppyVerify = 0x42 };

u8 floppy_parameter(u32 offset);
int floppy_send(u8 value);
void floppy_expect_interrupt(void);
int floppy_wait_interrupt(void);
u8 floppy_results(u32 count);
u8 floppy_reset(void);
void floppy_motor_on(u8 drive);
void floppy_motor_linger(void);
u8 floppy_recalibrate(u8 drive);
u8 floppy_seek(u8 drive, u8 cylinder);
void floppy_set_rate(u8 drive);
int floppy_changed(void);
u8 floppy_clear_change(u8 drive);
u8 floppy_find_media(u8 drive);
u8 floppy_program_dma(u32 address, u32 bytes, enum floppy_direction direction);
u8 floppy_result_status(void);
