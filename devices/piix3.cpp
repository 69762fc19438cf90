// The ISA bridge's registers and the interrupt router.
#include "devices/piix3.h"

#include "core/base/bits.h"
#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u8 kPirqRouteControl = 0x60;  // PIRQRC[A:D]
constexpr u8 kRouteDisabled = 1 << 7;
// The interrupts that PCI can be routed to: 3-7, 9-12, 14 and 15; other values are reserved (section 2.2.10).
constexpr u16 kRoutable = 0xDEF8;

}  // namespace

Piix3::Piix3(Trace& trace, IrqSink irq)
    : PciFunction({.vendor = 0x8086, .device = 0x7000, .class_code = 0x060100, .multifunction = true}),
      trace_(trace),
      irq_(std::move(irq)) {
  declare(kCommand, Width::word, 0x0007, 0x0008);  // always a master; special cycles can be enabled
  declare(kStatus, Width::word, 0x0280, 0, 0x7800);
  declare(0x0C, Width::word, 0, 0);
  declare(kInterruptLine, Width::byte, 0, 0);
  declare(0x4C, Width::byte, 0x4D, 0x7F);      // IORT
  declare(0x4E, Width::word, 0x0003, 0x01FF);  // XBCS
  for (u8 i = 0; i < 4; ++i) declare(static_cast<u8>(kPirqRouteControl + i), Width::byte, kRouteDisabled, 0x8F);
  declare(0x69, Width::byte, 0x02, 0xFA);               // TOM
  declare(0x6A, Width::word, 0x0000, 0x0081, 0x8000);   // MSTAT
  declare(0x70, Width::byte, 0x80, 0xEF);               // MBIRQ0
  declare(0x71, Width::byte, 0x80, 0xEF);               // MBIRQ1
  declare(0x76, Width::byte, 0x0C, 0x8F);               // MBDMA0
  declare(0x77, Width::byte, 0x0C, 0x8F);               // MBDMA1
  declare(0x78, Width::word, 0x0002, 0xFFFF);           // PCSC
  declare(0x80, Width::byte, 0x00, 0x7F);               // APICBASE
  declare(0x82, Width::byte, 0x00, 0x0F);               // DLC
  declare(0xA0, Width::byte, 0x08, 0x1F);               // SMICNTL
  declare(0xA2, Width::word, 0x0000, 0x01FF);           // SMIEN
  declare(0xA4, Width::dword, 0x00000000, 0xF000FFFF);  // SEE
  declare(0xA8, Width::byte, 0x0F, 0xFF);               // FTMR
  declare(0xAA, Width::word, 0x0000, 0x01FF);           // SMIREQ
  declare(0xAC, Width::byte, 0x00, 0xFF);               // CTLTMR
  declare(0xAE, Width::byte, 0x00, 0xFF);               // CTHTMR
}

void Piix3::reset(Reset) {
  reset_pci();
  update();
}

void Piix3::visit(State& state) {
  StateSection section(state, "piix3");
  visit_pci(state);
  state.field("pirq_levels", pirq_levels_);
  state.field("irq_levels", irq_levels_);
}

void Piix3::config_written(u8 first, u8 last) {
  if (first <= kPirqRouteControl + 3 && last >= kPirqRouteControl) update();
}

void Piix3::set_pirq(unsigned pirq, bool level) {
  CHECK_THAT(pirq < 4, "PIRQ {}", pirq);
  pirq_levels_ = with_bit(pirq_levels_, pirq, level);
  update();
}

void Piix3::update() {
  u16 levels = 0;
  for (unsigned pirq = 0; pirq < 4; ++pirq) {
    const u8 route = config_byte(static_cast<u8>(kPirqRouteControl + pirq));
    if (!bit(pirq_levels_, pirq) || (route & kRouteDisabled)) continue;
    levels |= static_cast<u16>(1 << (route & 15));
  }
  levels &= kRoutable;
  const u16 changed = levels ^ irq_levels_;
  irq_levels_ = levels;
  for (unsigned irq = 0; irq < 16; ++irq) {
    if (!bit(changed, irq)) continue;
    trace_.line(Channel::pci, "PIRQs {:04b}: IRQ{} {}", pirq_levels_, irq, bit(levels, irq) ? "on" : "off");
    irq_(irq, bit(levels, irq));
  }
}

}  // namespace penumbra
