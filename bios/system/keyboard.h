// What a key means (keymap.c) and the 8042 (keyboard_controller.c).
#pragma once

#include "bios.h"

// The words that INT 16h returns for a key: scan code high, character low; 0 means nothing. `locks` says which lock
// reverses Shift.
struct key {
  u16 plain, shift, control, alt;
};

enum key_lock { kNoLock, kCapsLock, kNumLock };

extern const struct key key_map[0x59];
enum key_lock key_lock_of(u8 scan);

void controller_init(void);
int controller_send(u8 command);
int keyboard_send(u8 value);
// Sends to the mouse and waits for its acknowledge; 0 if there is none.
int mouse_send(u8 value);
int mouse_receive(u8* value);
void mouse_port_enable(int on);
void mouse_init(void);
