// The interrupt controllers against the 8259A datasheet: priorities, modes, cascade, spurious interrupts.
#include "devices/pic8259.h"

#include <doctest/doctest.h>

#include "tests/support/recording_line.h"

namespace penumbra {
namespace {

struct Bench {
  Trace trace;
  PortBus ports{trace};
  RecordingLine intr;
  Pic8259Pair pic{ports, intr, trace};

  explicit Bench(u8 icw4_master = 0x01, u8 icw4_slave = 0x01) {
    pic.reset(Reset::power_on);
    initialize(0x20, 0x08, 0x04, icw4_master);
    initialize(0xA0, 0x70, 0x02, icw4_slave);
  }
  void initialize(u16 port, u8 base, u8 icw3, u8 icw4, u8 icw1 = 0x11) {
    out(port, icw1);
    out(port + 1, base);
    out(port + 1, icw3);
    out(port + 1, icw4);
  }
  void out(u16 port, u8 value) { ports.out(port, Width::byte, value); }
  u8 in(u16 port) { return static_cast<u8>(ports.in(port, Width::byte)); }
  u8 irr(u16 port) {
    out(port, 0x0A);
    return in(port);
  }
  u8 isr(u16 port) {
    out(port, 0x0B);
    return in(port);
  }
  void raise(unsigned irq) { pic.line(irq).set(true); }
  void lower(unsigned irq) { pic.line(irq).set(false); }
};

TEST_CASE("pic: an edge interrupts once, INTA moves it from IRR to ISR, EOI ends it") {
  Bench b;
  b.raise(5);
  CHECK(b.intr.level());
  CHECK(b.pic.pending());
  CHECK(b.irr(0x20) == 0x20);
  CHECK(b.pic.acknowledge() == 0x0D);
  CHECK_FALSE(b.pic.pending());
  CHECK(b.irr(0x20) == 0);
  CHECK(b.isr(0x20) == 0x20);
  b.out(0x20, 0x20);
  CHECK(b.isr(0x20) == 0);
  CHECK_FALSE(b.pic.pending());  // still high, but no new edge
  b.pic.line(5).pulse();
  CHECK(b.pic.pending());
}

TEST_CASE("pic: a higher priority nests, an equal or lower one waits for EOI") {
  Bench b;
  b.raise(3);
  CHECK(b.pic.acknowledge() == 0x0B);
  b.raise(4);
  CHECK_FALSE(b.pic.pending());
  b.pic.line(3).pulse();
  CHECK_FALSE(b.pic.pending());
  b.raise(1);
  CHECK(b.pic.acknowledge() == 0x09);
  b.out(0x20, 0x20);  // ends 1, the highest in service
  CHECK(b.isr(0x20) == 0x08);
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x0B);
  b.out(0x20, 0x63);  // specific
  CHECK(b.pic.acknowledge() == 0x0C);
}

TEST_CASE("pic: masks hold requests back without losing them") {
  Bench b;
  b.out(0x21, 0x02);
  b.raise(1);
  CHECK_FALSE(b.intr.level());
  CHECK(b.irr(0x20) == 0x02);
  CHECK(b.in(0x21) == 0x02);
  b.out(0x21, 0);
  CHECK(b.intr.level());
}

TEST_CASE("pic: the slave's requests come through IR2 with the slave's vector and need two EOIs") {
  Bench b;
  b.raise(12);
  CHECK(b.irr(0x20) == 0x04);
  CHECK(b.irr(0xA0) == 0x10);
  CHECK(b.pic.acknowledge() == 0x74);
  CHECK(b.isr(0x20) == 0x04);
  CHECK(b.isr(0xA0) == 0x10);
  b.raise(14);  // lower than 12
  CHECK_FALSE(b.pic.pending());
  b.out(0xA0, 0x20);
  CHECK_FALSE(b.pic.pending());  // the master still serves IR2
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x76);
}

TEST_CASE("pic: two waiting slave requests reach the CPU one after the other") {
  Bench b;
  b.raise(8);
  b.raise(15);
  CHECK(b.pic.acknowledge() == 0x70);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x77);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK_FALSE(b.pic.pending());
}

TEST_CASE("pic: a request that falls before INTA leaves the spurious vector and no ISR bit") {
  Bench b;
  b.raise(6);
  b.lower(6);
  CHECK_FALSE(b.pic.pending());
  CHECK(b.pic.acknowledge() == 0x0F);
  CHECK(b.isr(0x20) == 0);
}

TEST_CASE("pic: the default of a chip whose request has gone is IR7 without service") {
  Pic8259 chip;
  chip.write(false, 0x13);
  chip.write(true, 0x70);
  chip.write(true, 0x01);
  chip.set_line(3, true);
  chip.set_line(3, false);
  CHECK(chip.acknowledge() == Pic8259::kNone);
  chip.write(false, 0x0B);
  CHECK(chip.read(false) == 0);
}

TEST_CASE("pic: a level-triggered line interrupts until it falls") {
  Bench b;
  b.out(0x4D1, 0x04);  // IRQ 10
  b.raise(10);
  CHECK(b.pic.acknowledge() == 0x72);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK(b.pic.pending());  // the device still asks
  CHECK(b.pic.acknowledge() == 0x72);
  b.lower(10);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK_FALSE(b.pic.pending());
}

TEST_CASE("pic: ELCR keeps only the inputs that may be level triggered") {
  Bench b;
  b.out(0x4D0, 0xFF);
  b.out(0x4D1, 0xFF);
  CHECK(b.in(0x4D0) == 0xF8);
  CHECK(b.in(0x4D1) == 0xDE);
  b.pic.reset(Reset::hard);
  CHECK(b.in(0x4D0) == 0);
}

TEST_CASE("pic: ICW1 with LTIM makes every input level triggered") {
  Bench b;
  b.initialize(0x20, 0x08, 0x04, 0x01, 0x19);
  b.raise(4);
  CHECK(b.pic.acknowledge() == 0x0C);
  b.out(0x20, 0x20);
  CHECK(b.pic.pending());
  b.lower(4);
  CHECK_FALSE(b.pic.pending());
}

TEST_CASE("pic: ICW1 clears mask, service and edges; a high line must fall first") {
  Bench b;
  b.out(0x21, 0xFF);
  b.raise(1);
  b.initialize(0x20, 0x20, 0x04, 0x01);
  CHECK(b.in(0x21) == 0);
  CHECK_FALSE(b.pic.pending());
  b.lower(1);
  b.raise(1);
  CHECK(b.pic.acknowledge() == 0x21);
}

TEST_CASE("pic: without IC4 the sequence ends with ICW3, with SNGL there is no ICW3") {
  Bench b;
  b.out(0x20, 0x10);
  b.out(0x21, 0x40);
  b.out(0x21, 0x04);
  b.out(0x21, 0xFE);  // OCW1 already
  CHECK(b.in(0x21) == 0xFE);
  b.raise(0);
  b.out(0x21, 0);
  CHECK(b.pic.acknowledge() == 0x40);
  b.out(0x20, 0x12);
  b.out(0x21, 0x48);
  b.out(0x21, 0x7F);
  CHECK(b.in(0x21) == 0x7F);
}

TEST_CASE("pic: automatic EOI leaves nothing in service") {
  Bench b(0x03);
  b.raise(3);
  CHECK(b.pic.acknowledge() == 0x0B);
  CHECK(b.isr(0x20) == 0);
  b.raise(5);
  CHECK(b.pic.acknowledge() == 0x0D);
}

TEST_CASE("pic: rotation in automatic EOI mode sends the served input to the end") {
  Bench b(0x03);
  b.out(0x20, 0x80);
  b.raise(3);
  CHECK(b.pic.acknowledge() == 0x0B);
  b.pic.line(3).pulse();
  b.raise(6);
  CHECK(b.pic.acknowledge() == 0x0E);  // 3 is lowest now
  CHECK(b.pic.acknowledge() == 0x0B);
  b.out(0x20, 0x00);  // rotation off: 3 stays lowest
  b.pic.line(4).pulse();
  CHECK(b.pic.acknowledge() == 0x0C);
  b.pic.line(4).pulse();
  b.pic.line(3).pulse();
  CHECK(b.pic.acknowledge() == 0x0C);
}

TEST_CASE("pic: rotate on non-specific EOI (the datasheet's example: IR4 served, then lowest)") {
  Bench b;
  b.raise(4);
  b.raise(6);
  CHECK(b.pic.acknowledge() == 0x0C);
  b.out(0x20, 0xA0);
  b.pic.line(4).pulse();
  b.pic.line(5).pulse();
  CHECK(b.pic.acknowledge() == 0x0D);  // order is now 5 6 7 0 1 2 3 4
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x0E);
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x0C);
}

TEST_CASE("pic: specific rotation sets the lowest priority with and without EOI") {
  Bench b;
  b.out(0x20, 0xC5);  // IR5 lowest, IR6 highest
  b.raise(0);
  b.raise(6);
  CHECK(b.pic.acknowledge() == 0x0E);
  b.out(0x20, 0xE6);  // EOI of 6 and 6 lowest
  CHECK(b.isr(0x20) == 0);
  b.raise(7);
  CHECK(b.pic.acknowledge() == 0x0F);
  b.out(0x20, 0x67);
  CHECK(b.pic.acknowledge() == 0x08);
}

TEST_CASE("pic: OCW2 040h is no operation") {
  Bench b;
  b.raise(2 + 1);
  b.pic.acknowledge();
  b.out(0x20, 0x43);
  CHECK(b.isr(0x20) == 0x08);
}

TEST_CASE("pic: special mask mode lets lower priorities in while the served input is masked") {
  Bench b;
  b.raise(3);
  CHECK(b.pic.acknowledge() == 0x0B);
  b.raise(5);
  CHECK_FALSE(b.pic.pending());
  b.out(0x21, 0x08);
  CHECK_FALSE(b.pic.pending());  // masking alone does not help
  b.out(0x20, 0x68);             // ESMM, SMM
  CHECK(b.pic.acknowledge() == 0x0D);
  b.out(0x20, 0x20);  // non-specific: ends 5, never the masked 3
  CHECK(b.isr(0x20) == 0x08);
  b.out(0x20, 0x20);
  CHECK(b.isr(0x20) == 0x08);
  b.out(0x20, 0x63);
  CHECK(b.isr(0x20) == 0);
  b.out(0x20, 0x48);  // back to normal
  b.raise(6);
  CHECK(b.pic.acknowledge() == 0x0E);
}

TEST_CASE("pic: OCW3 without ESMM or RR keeps what was selected") {
  Bench b;
  b.raise(3);
  b.pic.acknowledge();
  b.out(0x20, 0x0B);
  b.out(0x20, 0x28);  // SMM without ESMM
  CHECK(b.in(0x20) == 0x08);
  b.raise(5);
  b.out(0x21, 0x08);
  CHECK_FALSE(b.pic.pending());
}

TEST_CASE("pic: poll is an acknowledge by reading") {
  Bench b;
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x00);
  b.raise(5);
  b.raise(6);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x85);
  CHECK(b.isr(0x20) == 0x20);
  CHECK_FALSE(b.intr.level());
  b.out(0x20, 0x20);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x21) == 0x86);  // the next read, whichever port
  CHECK(b.in(0x21) == 0x00);  // the mask again
}

TEST_CASE("pic: polling both chips reaches the slave's requests one by one") {
  Bench b;
  b.raise(9);
  b.raise(11);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x82);
  b.out(0xA0, 0x0C);
  CHECK(b.in(0xA0) == 0x81);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x73);
}

TEST_CASE("pic: special fully nested mode lets the same slave interrupt again, but not lower inputs") {
  Bench b(0x11);
  b.raise(12);
  CHECK(b.pic.acknowledge() == 0x74);
  b.raise(3);
  CHECK_FALSE(b.pic.pending());
  b.raise(8);
  CHECK(b.pic.pending());
  CHECK(b.pic.acknowledge() == 0x70);
  b.out(0xA0, 0x20);
  CHECK(b.isr(0xA0) == 0x10);
  b.out(0xA0, 0x20);
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x0B);
}

TEST_CASE("pic: without special fully nested mode the slave's higher request waits") {
  Bench b;
  b.raise(12);
  b.pic.acknowledge();
  b.raise(8);
  CHECK_FALSE(b.pic.pending());
  b.out(0x20, 0x20);  // only the master's EOI
  CHECK(b.pic.acknowledge() == 0x70);
}

TEST_CASE("pic: the cascade input cannot be driven from outside") {
  Bench b;
  b.raise(2);
  CHECK_FALSE(b.pic.pending());
  CHECK(b.irr(0x20) == 0);
}

TEST_CASE("pic: fully nested order from every lowest priority") {
  for (u8 lowest = 0; lowest < 8; ++lowest) {
    Bench b(0x03);
    b.out(0x20, 0xC0 | lowest);
    for (const unsigned irq : {0, 1, 3, 4, 5, 6, 7}) b.raise(irq);
    b.raise(8);
    for (unsigned i = 0; i < 8; ++i) {
      const unsigned expected = (lowest + 1 + i) & 7;
      CHECK(b.pic.acknowledge() == (expected == 2 ? 0x70 : 0x08 + expected));
    }
    CHECK_FALSE(b.pic.pending());
  }
}

TEST_CASE("pic: special mask mode under a rotated priority") {
  Bench b;
  b.out(0x20, 0xC4);  // 5 6 7 0 1 2 3 4
  b.raise(6);
  CHECK(b.pic.acknowledge() == 0x0E);
  b.raise(0);
  CHECK_FALSE(b.pic.pending());
  b.out(0x20, 0x68);
  b.out(0x21, 0x40);
  CHECK(b.pic.acknowledge() == 0x08);
  b.pic.line(7).set(true);
  CHECK(b.pic.acknowledge() == 0x0F);  // higher than 0
  b.raise(1);
  CHECK_FALSE(b.pic.pending());  // 7 and 0 are in service and not masked
  b.out(0x20, 0x20);
  CHECK(b.isr(0x20) == 0x41);
}

TEST_CASE("pic: a slave in automatic EOI mode needs only the master's EOI") {
  Bench b(0x01, 0x03);
  b.raise(14);
  CHECK(b.pic.acknowledge() == 0x76);
  CHECK(b.isr(0xA0) == 0);
  b.raise(15);
  CHECK_FALSE(b.pic.pending());
  b.out(0x20, 0x62);
  CHECK(b.pic.acknowledge() == 0x77);
}

TEST_CASE("pic: a poll in automatic EOI mode leaves nothing in service") {
  Bench b(0x03);
  b.raise(4);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x84);
  CHECK(b.isr(0x20) == 0);
}

TEST_CASE("pic: polling works with the interrupt pin masked off by priorities alone") {
  Bench b;
  b.raise(3);
  b.pic.acknowledge();
  b.raise(5);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x00);  // lower than what is in service: no request
  b.raise(1);
  b.out(0x20, 0x0C);
  CHECK(b.in(0x20) == 0x81);
}

TEST_CASE("pic: command words between the initialization words do not disturb the sequence") {
  Bench b;
  b.out(0x20, 0x11);
  b.out(0x20, 0x0B);  // OCW3
  b.out(0x21, 0x50);
  b.out(0x20, 0x20);  // OCW2
  b.out(0x21, 0x04);
  b.out(0x21, 0x01);
  b.out(0x21, 0xF7);
  CHECK(b.in(0x21) == 0xF7);
  b.raise(3);
  CHECK(b.pic.acknowledge() == 0x53);
}

TEST_CASE("pic: ICW1 in the middle of a sequence starts again") {
  Bench b;
  b.out(0x20, 0x11);
  b.out(0x21, 0x50);
  b.initialize(0x20, 0x60, 0x04, 0x01);
  b.raise(1);
  CHECK(b.pic.acknowledge() == 0x61);
}

TEST_CASE("pic: masking the cascade keeps the slave's requests, and the slave's mask frees the cascade") {
  Bench b;
  b.out(0x21, 0x04);
  b.raise(10);
  CHECK_FALSE(b.pic.pending());
  CHECK(b.irr(0x20) == 0x04);
  b.out(0xA1, 0x04);
  CHECK(b.irr(0x20) == 0x00);
  b.out(0xA1, 0x00);
  b.out(0x21, 0x00);
  CHECK(b.pic.acknowledge() == 0x72);
}

TEST_CASE("pic: a pulse while its line is in service is one more interrupt, two pulses are one") {
  Bench b;
  b.raise(0);
  b.pic.acknowledge();
  b.pic.line(0).pulse();
  b.pic.line(0).pulse();
  b.out(0x20, 0x20);
  CHECK(b.pic.acknowledge() == 0x08);
  b.out(0x20, 0x20);
  CHECK_FALSE(b.pic.pending());
}

TEST_CASE("pic: state is saved, scrambled and loaded") {
  Bench b(0x11, 0x03);
  b.raise(12);
  b.pic.acknowledge();
  b.raise(3);
  b.out(0x4D1, 0x02);
  b.out(0x20, 0xC3);
  b.out(0xA0, 0x0C);  // a poll outstanding
  StateWriter saved;
  b.pic.visit(saved);
  b.pic.reset(Reset::power_on);
  b.initialize(0xA0, 0x98, 0x02, 0x01);
  b.lower(3);
  b.out(0x20, 0x11);
  StateReader reader(saved.bytes());
  b.pic.visit(reader);
  StateWriter again;
  b.pic.visit(again);
  CHECK(saved.bytes() == again.bytes());
}

}  // namespace
}  // namespace penumbra
