// The 8042: commands, keyboard and mouse bytes, and their setup in POST.
#include "keyboard.h"

enum { kStatus = 0x64, kDataPort = 0x60 };
enum { kOutputFull = 0x01, kInputFull = 0x02, kFromMouse = 0x20 };
// The command byte.
enum {
  kKeyboardIrq = 0x01,
  kMouseIrq = 0x02,
  kSystemFlag = 0x04,
  kKeyboardOff = 0x10,
  kMouseOff = 0x20,
  kTranslate = 0x40
};

static u8 command_byte;

static int wait_writable(void) {
  for (u32 turns = 0; turns < 20000; ++turns) {
    if (!(inb(kStatus) & kInputFull)) return 1;
    delay_microseconds(2);
  }
  return 0;
}

static int wait_byte(u32 milliseconds, u8* value, u8* status) {
  for (u32 turns = 0; turns < milliseconds * 50; ++turns) {
    const u8 s = inb(kStatus);
    if (s & kOutputFull) {
      *value = inb(kDataPort);
      *status = s;
      return 1;
    }
    delay_microseconds(20);
  }
  return 0;
}

static void drain(void) {
  for (u32 turns = 0; turns < 64 && (inb(kStatus) & kOutputFull); ++turns) inb(kDataPort);
}

int controller_send(u8 command) {
  if (!wait_writable()) return 0;
  outb(kStatus, command);
  return 1;
}

static void write_command_byte(u8 value) {
  command_byte = value;
  if (controller_send(0x60) && wait_writable()) outb(kDataPort, value);
  wait_writable();
}

int keyboard_send(u8 value) {
  if (!wait_writable()) return 0;
  outb(kDataPort, value);
  return 1;
}

// POST only: sends and reads until the answer comes.
static int keyboard_ask(u8 value, u8 expected, u32 milliseconds) {
  u8 answer, status;
  keyboard_send(value);
  while (wait_byte(milliseconds, &answer, &status))
    if (!(status & kFromMouse) && answer == expected) return 1;
  return 0;
}

void controller_init(void) {
  u8 answer, status;
  // Until the command byte is ours, an answer may raise IRQ 1, whose handler would take it.
  interrupts_off();
  controller_send(0xAD);
  controller_send(0xA7);
  drain();
  controller_send(0xAA);
  if (!wait_byte(100, &answer, &status) || answer != 0x55) debug("no keyboard controller\n");
  write_command_byte(kSystemFlag | kKeyboardOff | kMouseOff);
  interrupts_on();
  controller_send(0xAE);
  if (keyboard_ask(0xFF, 0xFA, 50) && wait_byte(1000, &answer, &status)) {
    keyboard_ask(0xF5, 0xFA, 50);
    if (keyboard_ask(0xF0, 0xFA, 50)) keyboard_ask(0x02, 0xFA, 50);
    keyboard_ask(0xF4, 0xFA, 50);
  } else {
    debug("no keyboard\n");
  }
  drain();
  BDA->key_flags = 0x10;
  write_command_byte(kKeyboardIrq | kSystemFlag | kTranslate | kMouseOff);
}

void mouse_port_enable(int on) {
  const u8 with_irq = (u8)((command_byte | kMouseIrq) & ~kMouseOff);
  write_command_byte(on ? with_irq : (u8)((command_byte & ~kMouseIrq) | kMouseOff));
}

// While the mouse is asked, keyboard and both interrupts are off, so that the next byte is its answer.
int mouse_receive(u8* value) {
  u8 status;
  return wait_byte(500, value, &status) && (status & kFromMouse);
}

int mouse_send(u8 value) {
  u8 answer;
  if (!controller_send(0xD4) || !wait_writable()) return 0;
  outb(kDataPort, value);
  return mouse_receive(&answer) && answer == 0xFA;
}

static u8 saved_command_byte;

void mouse_conversation_begin(void) {
  saved_command_byte = command_byte;
  write_command_byte((u8)((command_byte | kKeyboardOff) & ~(kMouseOff | kMouseIrq | kKeyboardIrq)));
  while (inb(kStatus) & kOutputFull) {
    if (!(inb(kStatus) & kFromMouse)) break;
    inb(kDataPort);
  }
}

void mouse_conversation_end(void) { write_command_byte(saved_command_byte); }
