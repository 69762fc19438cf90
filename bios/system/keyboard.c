// INT 09h and INT 16h: scan codes into the key buffer and out of it.
#include "keyboard.h"

// BDA 17h.
enum {
  kRightShift = 0x01,
  kLeftShift = 0x02,
  kControl = 0x04,
  kAlt = 0x08,
  kScroll = 0x10,
  kNum = 0x20,
  kCaps = 0x40,
  kInsert = 0x80
};
// BDA 18h.
enum { kLeftControlDown = 0x01, kLeftAltDown = 0x02, kSysReqDown = 0x04, kPaused = 0x08 };
// BDA 96h.
enum { kAfterE1 = 0x01, kAfterE0 = 0x02, kRightControlDown = 0x04, kRightAltDown = 0x08, kEnhanced = 0x10 };
// BDA 97h: bits 2-0 are what the LEDs show.
enum { kLedAcknowledged = 0x10, kLedResend = 0x20, kLedUpdating = 0x40 };

static u16 advanced(u16 at) {
  at += 2;
  return at >= BDA->key_buffer_end ? BDA->key_buffer_start : at;
}

static int store_key(u16 word) {
  const u16 tail = BDA->key_tail;
  const u16 next = advanced(tail);
  if (next == BDA->key_head) return 0;
  poke16(0x40, tail, word);
  BDA->key_tail = next;
  return 1;
}

static u8 lock_leds(void) { return BDA->shift_flags >> 4 & 7; }

// The LED command and its argument are each acknowledged with FAh, which arrives through INT 9 like a key.
static void update_leds(void) {
  if (lock_leds() == (BDA->led_flags & 7)) return;
  BDA->led_flags |= kLedUpdating;
  BDA->led_flags &= (u8)~kLedAcknowledged;
  keyboard_send(0xED);
}

static void keyboard_acknowledged(void) {
  if (!(BDA->led_flags & kLedUpdating)) return;
  if (BDA->led_flags & kLedAcknowledged) {
    BDA->led_flags &= (u8) ~(kLedUpdating | kLedAcknowledged);
    update_leds();
    return;
  }
  const u8 leds = lock_leds();
  BDA->led_flags = (u8)((BDA->led_flags & ~7) | leds | kLedAcknowledged);
  keyboard_send(leds);
}

static void modifier(u8 flag, u8 down) {
  BDA->shift_flags = down ? BDA->shift_flags | flag : BDA->shift_flags & (u8)~flag;
}

static void control_or_alt(u8 flag, u8 left, u8 right, u8 extended, u8 down) {
  if (extended)
    BDA->key_flags = down ? BDA->key_flags | right : BDA->key_flags & (u8)~right;
  else
    BDA->shift_keys = down ? BDA->shift_keys | left : BDA->shift_keys & (u8)~left;
  modifier(flag, (BDA->shift_keys & left) || (BDA->key_flags & right));
}

// A lock key: BDA 18h has a bit that stops the typematic repeat from toggling.
static void lock(u8 flag, u8 down) {
  if (!down) {
    BDA->shift_keys &= (u8)~flag;
    return;
  }
  if (BDA->shift_keys & flag) return;
  BDA->shift_keys |= flag;
  BDA->shift_flags ^= flag;
  update_leds();
}

static void flush_for_break(void) {
  BDA->break_flag = 0x80;
  BDA->key_head = BDA->key_tail = BDA->key_buffer_start;
  store_key(0);
}

// True if the key is one of those that only change a state.
static int state_key(u8 scan, u8 extended, u8 down) {
  const u8 flags = BDA->shift_flags;
  switch (scan) {
    case 0x1D: control_or_alt(kControl, kLeftControlDown, kRightControlDown, extended, down); return 1;
    case 0x38:
      control_or_alt(kAlt, kLeftAltDown, kRightAltDown, extended, down);
      if (!down && !(BDA->shift_flags & kAlt) && BDA->alt_number) {
        store_key(BDA->alt_number);
        BDA->alt_number = 0;
      }
      return 1;
    case 0x2A:
    case 0x36:
      if (!extended) modifier(scan == 0x2A ? kLeftShift : kRightShift, down);
      return 1;
    case 0x3A: lock(kCaps, down); return 1;
    case 0x45:
      if (extended || (flags & kControl)) return 0;
      lock(kNum, down);
      return 1;
    case 0x46:
      if (extended || (flags & kControl)) return 0;
      lock(kScroll, down);
      return 1;
    case 0x52:
      // Insert toggles its state and is also a key; not while Alt collects a number.
      if (!down) BDA->shift_keys &= (u8)~kInsert;
      return 0;
  }
  return 0;
}

static int insert_toggles(u8 extended) {
  const u8 flags = BDA->shift_flags;
  if (flags & (kAlt | kControl)) return 0;
  const int digits = !extended && (((flags & kNum) != 0) != ((flags & (kLeftShift | kRightShift)) != 0));
  return !digits;
}

static u16 extended_word(u8 scan, u8 flags) {
  // The grey keys: enter and slash, then the cursor block, which shows as E0h below its pad scan code.
  if (scan == 0x1C) return flags & kAlt ? 0xA600 : flags & kControl ? 0xE00A : 0xE00D;
  if (scan == 0x35) return flags & kAlt ? 0xA400 : flags & kControl ? 0x9500 : 0xE02F;
  if (scan < 0x47 || scan > 0x53 || scan == 0x4A || scan == 0x4C || scan == 0x4E) return 0;
  if (flags & kAlt) return (u16)((scan + 0x50) << 8);
  if (flags & kControl) return (u16)((key_map[scan].control & 0xFF00) | 0xE0);
  return (u16)(scan << 8 | 0xE0);
}

static u16 ordinary_word(u8 scan, u8 flags) {
  const struct key* key = &key_map[scan];
  if (flags & kAlt) return key->alt;
  if (flags & kControl) return key->control;
  int shifted = (flags & (kLeftShift | kRightShift)) != 0;
  const enum key_lock lock_kind = key_lock_of(scan);
  if (lock_kind == kCapsLock && (flags & kCaps)) shifted = !shifted;
  if (lock_kind == kNumLock && (flags & kNum)) shifted = !shifted;
  return shifted ? key->shift : key->plain;
}

static u8 pressed(u8 scan, u8 extended) {
  const u8 flags = BDA->shift_flags;
  if (scan == 0x53 && (flags & (kControl | kAlt)) == (kControl | kAlt)) {
    BDA->reset_flag = 0x1234;
    return KEY_ACTION_REBOOT;
  }
  if ((scan == 0x46 && (flags & kControl)) || (scan == 0x46 && extended)) {
    flush_for_break();
    return KEY_ACTION_BREAK;
  }
  if (scan == 0x45 && (flags & kControl) && !extended) {
    BDA->shift_keys |= kPaused;
    return KEY_ACTION_PAUSE;
  }
  if (scan == 0x37 && extended && !(flags & (kControl | kAlt))) return KEY_ACTION_PRINT_SCREEN;
  if (scan == 0x54) {
    if (BDA->shift_keys & kSysReqDown) return KEY_ACTION_NONE;
    BDA->shift_keys |= kSysReqDown;
    return KEY_ACTION_SYSREQ;
  }
  if (BDA->shift_keys & kPaused) {
    BDA->shift_keys &= (u8)~kPaused;
    return KEY_ACTION_NONE;
  }
  if (scan == 0x52 && insert_toggles(extended) && !(BDA->shift_keys & kInsert)) {
    BDA->shift_keys |= kInsert;
    BDA->shift_flags ^= kInsert;
  }
  if (scan >= count_of(key_map)) return KEY_ACTION_NONE;
  if ((flags & kAlt) && !extended && key_lock_of(scan) == kNumLock && scan != 0x53) {
    BDA->alt_number = (u8)(BDA->alt_number * 10 + ((key_map[scan].shift & 0xFF) - '0'));
    return KEY_ACTION_NONE;
  }
  u16 word;
  if (extended && scan != 0x37)
    word = extended_word(scan, flags);
  else if (extended)
    word = flags & kControl ? 0x7200 : 0;
  else
    word = ordinary_word(scan, flags);
  if (word) store_key(word);
  return KEY_ACTION_NONE;
}

// AL = the byte from the keyboard, after INT 15h/4Fh has seen it. Returns the action in AH.
void key_event(struct regs* r) {
  const u8 byte = r->al;
  r->ah = KEY_ACTION_NONE;
  if (byte == 0xFA) return keyboard_acknowledged();
  if (byte == 0xFE) {
    BDA->led_flags &= (u8) ~(kLedUpdating | kLedAcknowledged);
    return;
  }
  if (byte == 0xE0) {
    BDA->key_flags |= kAfterE0;
    return;
  }
  if (byte == 0xE1) {
    BDA->key_flags |= kAfterE1;
    return;
  }
  const u8 extended = BDA->key_flags & kAfterE0;
  const u8 scan = byte & 0x7F;
  const u8 down = !(byte & 0x80);
  if (BDA->key_flags & kAfterE1) {
    // Pause is E1 1D 45 E1 9D C5, with no break of its own.
    if (scan != 0x45) return;
    BDA->key_flags &= (u8)~kAfterE1;
    if (down && !(BDA->shift_keys & kPaused)) {
      BDA->shift_keys |= kPaused;
      r->ah = KEY_ACTION_PAUSE;
    }
    return;
  }
  BDA->key_flags &= (u8)~kAfterE0;
  if (state_key(scan, extended, down)) return;
  if (down) {
    r->ah = pressed(scan, extended);
    r->al = 0;
  } else if (scan == 0x54) {
    BDA->shift_keys &= (u8)~kSysReqDown;
    r->ah = KEY_ACTION_SYSREQ;
    r->al = 1;
  }
}

// What functions 00h and 01h make of a word: keys of the enhanced keyboard alone are not shown (-1).
static int classic_word(u16 word) {
  const u8 scan = (u8)(word >> 8), character = (u8)word;
  if (scan == 0xE0) return character == '/' ? 0x352F : 0x1C00 | character;
  if ((character == 0xE0 || character == 0xF0) && scan) {
    if (scan == 0x4C) return -1;
    word &= 0xFF00;
  }
  return (word >> 8) > 0x84 ? -1 : word;
}

static int enhanced_word(u16 word) {
  const u8 scan = (u8)(word >> 8), character = (u8)word;
  if (character == 0xF0 && scan) return scan << 8;
  return word;
}

static int first_key(int classic, int take, u16* out) {
  while (BDA->key_head != BDA->key_tail) {
    const u16 word = peek16(0x40, BDA->key_head);
    const int shown = classic ? classic_word(word) : enhanced_word(word);
    if (shown < 0 || take) BDA->key_head = advanced(BDA->key_head);
    if (shown < 0) continue;
    *out = (u16)shown;
    return 1;
  }
  return 0;
}

// Functions 00h and 10h come here only when a key is there (entry.S waits).
void int16(struct regs* r) {
  u16 key;
  switch (r->ah) {
    case 0x00:
    case 0x10: r->ax = first_key(r->ah == 0, 1, &key) ? key : 0; break;
    case 0x01:
    case 0x11: {
      const int there = first_key(r->ah == 1, 0, &key);
      if (there) r->ax = key;
      set_zero(r, !there);
      break;
    }
    case 0x02: r->al = BDA->shift_flags; break;
    case 0x03:
      if (r->al == 5 && r->bl < 32 && r->bh < 4 && keyboard_send(0xF3)) keyboard_send((u8)(r->bh << 5 | r->bl));
      break;
    case 0x05: r->al = store_key(r->cx) ? 0 : 1; break;
    case 0x09: r->al = 0x34; break;  // there are 10h-12h, 0Ah and 0305h
    case 0x0A: r->bx = 0x41AB; break;
    case 0x12:
      r->al = BDA->shift_flags;
      r->ah = (u8)((BDA->shift_keys & 0x73) | (BDA->shift_keys & kSysReqDown ? 0x80 : 0) |
                   (BDA->key_flags & (kRightControlDown | kRightAltDown)));
      break;
  }
}
