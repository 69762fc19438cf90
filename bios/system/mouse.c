// INT 15h/C2h and IRQ 12: the PS/2 mouse (PS/2 BIOS interface reference).
#include "int15.h"
#include "keyboard.h"

enum { kOk = 0, kBadFunction = 1, kBadInput = 2, kInterfaceError = 3, kResend = 4, kNoHandler = 5 };
enum { kHandlerInstalled = 0x80 };

void mouse_conversation_begin(void);
void mouse_conversation_end(void);

// Commands with no argument or one, every byte acknowledged.
static u8 command(u8 first, int argument) {
  mouse_conversation_begin();
  int good = mouse_send(first);
  if (good && argument >= 0) good = mouse_send((u8)argument);
  mouse_conversation_end();
  return good ? kOk : kInterfaceError;
}

static u8 reset(struct regs* r) {
  u8 done = 0, id = 0;
  mouse_port_enable(1);
  mouse_conversation_begin();
  const int good = mouse_send(0xFF) && mouse_receive(&done) && mouse_receive(&id);
  mouse_conversation_end();
  if (!good) return kInterfaceError;
  EBDA->mouse_flags1 = 0;
  r->bl = done;
  r->bh = id;
  return kOk;
}

// BH = 0..6: 10 to 200 reports a second.
static u8 set_rate(struct regs* r) {
  static const u8 rates[7] = {10, 20, 40, 60, 80, 100, 200};
  return r->bh < 7 ? command(0xF3, rates[r->bh]) : kBadInput;
}

static u8 identify(struct regs* r) {
  mouse_conversation_begin();
  u8 id = 0;
  const int good = mouse_send(0xF2) && mouse_receive(&id);
  mouse_conversation_end();
  r->bh = id;
  return good ? kOk : kInterfaceError;
}

// BH = 0: status, resolution and rate in BL, CL, DL; 1 and 2: scaling 1:1, 2:1.
static u8 status_or_scaling(struct regs* r) {
  if (r->bh == 1 || r->bh == 2) return command(r->bh == 1 ? 0xE6 : 0xE7, -1);
  if (r->bh) return kBadInput;
  u8 status = 0, resolution = 0, rate = 0;
  mouse_conversation_begin();
  const int good = mouse_send(0xE9) && mouse_receive(&status) && mouse_receive(&resolution) && mouse_receive(&rate);
  mouse_conversation_end();
  r->bl = status;
  r->cl = resolution;
  r->dl = rate;
  return good ? kOk : kInterfaceError;
}

static u8 install_handler(struct regs* r) {
  EBDA->mouse_handler.segment = r->es;
  EBDA->mouse_handler.offset = r->bx;
  const int present = r->es || r->bx;
  EBDA->mouse_flags2 = (u8)((EBDA->mouse_flags2 & 0x7F) | (present ? kHandlerInstalled : 0));
  return kOk;
}

static u8 initialize(struct regs* r) {
  if (r->bh < 1 || r->bh > 8) return kBadInput;
  EBDA->mouse_flags2 = (u8)((EBDA->mouse_flags2 & 0xF8) | (r->bh - 1));
  struct regs ignored;
  return reset(&ignored);
}

static u8 enable(struct regs* r) {
  if (r->bh > 1) return kBadInput;
  if (r->bh && !(EBDA->mouse_flags2 & kHandlerInstalled)) return kNoHandler;
  EBDA->mouse_flags1 = 0;
  if (r->bh) mouse_port_enable(1);
  const u8 status = command(r->bh ? 0xF4 : 0xF5, -1);
  if (!r->bh) mouse_port_enable(0);
  return status;
}

void mouse_service(struct regs* r) {
  switch (r->al) {
    case 0: return answer(r, enable(r));
    case 1: return answer(r, reset(r));
    case 2: return answer(r, set_rate(r));
    case 3: return answer(r, r->bh < 4 ? command(0xE8, r->bh) : kBadInput);
    case 4: return answer(r, identify(r));
    case 5: return answer(r, initialize(r));
    case 6: return answer(r, status_or_scaling(r));
    case 7: return answer(r, install_handler(r));
    default: return answer(r, kBadFunction);
  }
}

// IRQ 12. AL = 1: call the handler with BX status, CX x, DX y.
void mouse_event(struct regs* r) {
  const u8 from_mouse = inb(0x64);
  r->al = 0;
  if ((from_mouse & 0x21) != 0x21) return;
  const u8 byte = inb(0x60);
  if (!(EBDA->mouse_flags2 & kHandlerInstalled)) return;
  u8 index = EBDA->mouse_flags1 & 7;
  const u8 last = EBDA->mouse_flags2 & 7;
  // The first byte of a packet has bit 3 set: a lost byte is made up for here.
  if (index == 0 && last >= 2 && !(byte & 0x08)) return;
  EBDA->mouse_packet[index] = byte;
  if (index++ < last) {
    EBDA->mouse_flags1 = (u8)((EBDA->mouse_flags1 & 0xF8) | index);
    return;
  }
  EBDA->mouse_flags1 &= 0xF8;
  r->bx = EBDA->mouse_packet[0];
  r->cx = EBDA->mouse_packet[1];
  r->dx = EBDA->mouse_packet[2];
  r->al = 1;
}

void mouse_init(void) {
  struct regs ignored;
  EBDA->mouse_flags2 = 2;
  const u8 status = reset(&ignored);
  mouse_port_enable(0);
  if (status)
    debug("no mouse\n");
  else
    BDA->equipment |= 0x04;
}
