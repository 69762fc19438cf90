// APM 1.2 in real mode, INT 15h/53h (APM BIOS Interface Specification, 4).
#include "int15.h"

enum { kNotConnected, kReal, kProtected16, kProtected32 };
enum {
  kDisabled = 0x01,
  kRealAlready = 0x02,
  kNoInterface = 0x03,
  kProtected16Already = 0x05,
  kProtected32Already = 0x07,
  kUnknownDevice = 0x09,
  kBadParameter = 0x0A,
  kNotSupported = 0x0C,
  kCannotEnter = 0x60,
  kNoEvents = 0x80,
};

static u8 connection;

extern const char apm_entry16[], apm_entry32[];

static void connect(struct regs* r, u8 kind) {
  static const u8 already[4] = {0, kRealAlready, kProtected16Already, kProtected32Already};
  if (connection) return answer(r, already[connection]);
  connection = kind;
  set_carry(r, 0);
  if (kind == kReal) {
    r->ah = 0;
    return;
  }
  r->ax = CODE_SEGMENT;
  if (kind == kProtected16) {
    r->bx = (u16)(u32)apm_entry16;
    r->cx = CODE_SEGMENT;
    r->esi = r->edi = 0xFFFF;
    return;
  }
  r->ebx = (u32)apm_entry32;
  r->cx = CODE_SEGMENT;  // 16-bit code
  r->dx = CODE_SEGMENT;  // data
  r->esi = 0xFFFFFFFF;   // lengths of both code segments
  r->di = 0xFFFF;        // of data
}

static void set_state(struct regs* r) {
  if (r->bx == 1 && r->cx == 3) {
    outw(PM_BASE + 4, 0x2000);
    return answer(r, kCannotEnter);
  }
  answer(r, r->cx > 3 ? kBadParameter : 0);
}

void apm_service(struct regs* r) {
  if (r->al == 0x00) {
    if (r->bx) return answer(r, kUnknownDevice);
    r->ax = 0x0102;
    r->bx = 0x504D;
    r->cx = 0x0003;  // 16- and 32-bit protected mode
    return set_carry(r, 0);
  }
  if (r->al >= 0x01 && r->al <= 0x03) {
    if (r->bx) return answer(r, kUnknownDevice);
    return connect(r, r->al);
  }
  if (r->al > 0x10) return answer(r, kNotSupported);
  if (!connection) return answer(r, kNoInterface);
  switch (r->al) {
    case 0x04: connection = kNotConnected; return answer(r, 0);
    case 0x05: wait_for_interrupt(); return answer(r, 0);
    case 0x06:
    case 0x08:
    case 0x09:
    case 0x0D:
    case 0x0F: return answer(r, 0);
    case 0x07: return set_state(r);
    case 0x0A:
      if (r->bx != 1) return answer(r, kUnknownDevice);
      r->bx = 0x01FF;  // on line; battery unknown
      r->cx = 0x80FF;  // no battery
      r->dx = 0xFFFF;
      return answer(r, 0);
    case 0x0B: return answer(r, kNoEvents);
    case 0x0C: r->cx = 0; return answer(r, 0);
    case 0x0E: r->ax = 0x0102; return set_carry(r, 0);
    case 0x10: r->bx = r->cx = 0; return answer(r, 0);
    default: return answer(r, kNotSupported);
  }
}
