// Priorities, command words and the INTA sequence.
#include "devices/pic8259.h"

#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u8 kIcw1 = 0x10;  // D4 of the low port
constexpr u8 kIcw1NeedsIcw4 = 0x01;
constexpr u8 kIcw1Single = 0x02;
constexpr u8 kIcw1LevelTriggered = 0x08;
constexpr u8 kIcw4AutoEoi = 0x02;
constexpr u8 kIcw4SpecialFullyNested = 0x10;
constexpr u8 kOcw3 = 0x08;
constexpr u8 kPollRequest = 0x80;

// 82371SB 2.5.3.9: the timer, keyboard, cascade, RTC and coprocessor inputs stay edge triggered.
constexpr u8 kMasterLevelCapable = 0xF8;
constexpr u8 kSlaveLevelCapable = 0xDE;

}  // namespace

// An input must stay high until INTA (8259A "Interrupt Request Register"): one that falls takes its request along.
void Pic8259::set_line(unsigned number, bool level) {
  const bool before = bit(lines_, number);
  lines_ = with_bit(lines_, number, level);
  if (!level)
    irr_ = with_bit(irr_, number, false);
  else if (!before || level_triggered(number))
    irr_ = with_bit(irr_, number, true);
}

unsigned Pic8259::highest(u8 inputs) const {
  for (unsigned r = 0; r < 8; ++r)
    if (bit(inputs, input_of_rank(r))) return input_of_rank(r);
  return kNone;
}

unsigned Pic8259::requested() const {
  const unsigned candidate = highest(irr_ & static_cast<u8>(~imr_));
  if (candidate == kNone) return kNone;
  // In special mask mode a masked input in service holds nothing back; its own requests are masked anyway.
  const unsigned serving = highest(special_mask_ ? isr_ & static_cast<u8>(~imr_) : isr_);
  if (serving == kNone || rank(candidate) < rank(serving)) return candidate;
  // Special fully nested mode: a slave in service may interrupt again with a request of higher priority of its own.
  const bool same_slave = candidate == serving && special_fully_nested_ && bit(cascade_, candidate);
  return same_slave ? candidate : kNone;
}

unsigned Pic8259::acknowledge() {
  const unsigned number = requested();
  if (number == kNone) return kNone;
  isr_ = with_bit(isr_, number, true);
  if (!level_triggered(number)) irr_ = with_bit(irr_, number, false);
  return number;
}

void Pic8259::end_acknowledge(unsigned number) {
  if (number == kNone || !auto_eoi_) return;
  isr_ = with_bit(isr_, number, false);
  if (rotate_in_auto_eoi_) lowest_ = static_cast<u8>(number);
}

u8 Pic8259::read(bool a0) {
  if (poll_) {
    poll_ = false;
    const unsigned number = acknowledge();
    end_acknowledge(number);
    return number == kNone ? 0 : static_cast<u8>(kPollRequest | number);
  }
  if (a0) return imr_;
  return read_isr_ ? isr_ : irr_;
}

void Pic8259::write(bool a0, u8 value) {
  if (a0) {
    if (awaits_ == Awaits::nothing)
      imr_ = value;
    else
      write_icw(value);
  } else if (value & kIcw1) {
    initialize(value);
  } else if (value & kOcw3) {
    write_ocw3(value);
  } else {
    write_ocw2(value);
  }
}

// 8259A "Initialization Command Words": what ICW1 clears.
void Pic8259::initialize(u8 icw1) {
  level_triggered_all_ = icw1 & kIcw1LevelTriggered;
  single_ = icw1 & kIcw1Single;
  icw4_needed_ = icw1 & kIcw1NeedsIcw4;
  imr_ = 0;
  isr_ = 0;
  lowest_ = 7;
  special_mask_ = false;
  read_isr_ = false;
  poll_ = false;
  auto_eoi_ = false;
  rotate_in_auto_eoi_ = false;
  special_fully_nested_ = false;
  // The edge sense circuit starts anew: a line that is high must fall first.
  irr_ = 0;
  for (unsigned i = 0; i < 8; ++i)
    if (level_triggered(i) && bit(lines_, i)) irr_ = with_bit(irr_, i, true);
  awaits_ = Awaits::icw2;
}

void Pic8259::write_icw(u8 value) {
  const Awaits last = icw4_needed_ ? Awaits::icw4 : Awaits::nothing;
  switch (awaits_) {
    case Awaits::icw2:
      vector_base_ = value & 0xF8;
      awaits_ = single_ ? last : Awaits::icw3;
      break;
    case Awaits::icw3:
      icw3_ = value;
      awaits_ = last;
      break;
    case Awaits::icw4:
      auto_eoi_ = value & kIcw4AutoEoi;
      special_fully_nested_ = value & kIcw4SpecialFullyNested;
      awaits_ = Awaits::nothing;
      break;
    case Awaits::nothing: break;
  }
}

// 8259A figure "Operation Command Word 2": R, SL, EOI and a level.
void Pic8259::write_ocw2(u8 value) {
  const unsigned level = value & 7;
  const bool rotate = value & 0x80;
  const bool specific = value & 0x40;
  const bool eoi = value & 0x20;
  if (!eoi) {
    if (specific) {
      if (rotate) lowest_ = static_cast<u8>(level);  // set priority; without R no operation
    } else {
      rotate_in_auto_eoi_ = rotate;
    }
    return;
  }
  // "An IS bit that is masked by an IMR bit will not be cleared by a non-specific EOI in special mask mode."
  const u8 eligible = special_mask_ ? isr_ & static_cast<u8>(~imr_) : isr_;
  const unsigned number = specific ? level : highest(eligible);
  if (number == kNone) return;
  isr_ = with_bit(isr_, number, false);
  if (rotate) lowest_ = static_cast<u8>(number);
}

void Pic8259::write_ocw3(u8 value) {
  if (value & 0x40) special_mask_ = value & 0x20;
  if (value & 0x04)
    poll_ = true;
  else if (value & 0x02)
    read_isr_ = value & 0x01;
}

void Pic8259::set_level_control(u8 value) {
  level_control_ = value;
  for (unsigned i = 0; i < 8; ++i)
    if (level_triggered(i)) irr_ = with_bit(irr_, i, bit(lines_, i));
}

void Pic8259::reset() {
  const u8 lines = lines_;
  const u8 cascade = cascade_;
  *this = Pic8259();
  lines_ = lines;
  cascade_ = cascade;
}

void Pic8259::visit(State& state) {
  state.field("lines", lines_);
  state.field("irr", irr_);
  state.field("isr", isr_);
  state.field("imr", imr_);
  state.field("level_control", level_control_);
  state.field("vector_base", vector_base_);
  state.field("icw3", icw3_);
  state.field("lowest", lowest_);
  lowest_ &= 7;
  state.field("awaits", awaits_);
  state.field("single", single_);
  state.field("icw4_needed", icw4_needed_);
  state.field("level_triggered_all", level_triggered_all_);
  state.field("auto_eoi", auto_eoi_);
  state.field("rotate_in_auto_eoi", rotate_in_auto_eoi_);
  state.field("special_fully_nested", special_fully_nested_);
  state.field("special_mask", special_mask_);
  state.field("read_isr", read_isr_);
  state.field("poll", poll_);
}

class Pic8259Pair::Line final : public IrqLine {
 public:
  Line(Pic8259Pair& owner, unsigned irq) : owner_(owner), irq_(irq) {}
  void set(bool level) override { owner_.set_line(irq_, level); }

 private:
  Pic8259Pair& owner_;
  unsigned irq_;
};

Pic8259Pair::Pic8259Pair(PortBus& ports, IrqLine& intr, Trace& trace) : intr_(intr), trace_(trace) {
  master_.set_cascade(1u << kCascade);
  for (unsigned i = 0; i < lines_.size(); ++i) lines_[i] = std::make_unique<Line>(*this, i);
  ports.claim({0x20, 0x21}, *this);
  ports.claim({0xA0, 0xA1}, *this);
  ports.claim({0x4D0, 0x4D1}, *this);
}

Pic8259Pair::~Pic8259Pair() = default;

IrqLine& Pic8259Pair::line(unsigned irq) {
  CHECK_THAT(irq < 16, "irq {}", irq);
  return *lines_[irq];
}

void Pic8259Pair::set_line(unsigned irq, bool level) {
  if (irq == kCascade) return;
  (irq < 8 ? master_ : slave_).set_line(irq & 7, level);
  trace_.line(Channel::pic, "irq {} {}", irq, level ? "up" : "down");
  update();
}

void Pic8259Pair::update() {
  master_.set_line(kCascade, slave_.interrupt());
  intr_.set(master_.interrupt());
}

u8 Pic8259Pair::acknowledge() {
  const unsigned number = master_.acknowledge();
  u8 vector = master_.vector(number == Pic8259::kNone ? 7 : number);
  if (number == kCascade) {
    const unsigned behind = slave_.acknowledge();
    vector = slave_.vector(behind == Pic8259::kNone ? 7 : behind);
    slave_.end_acknowledge(behind);
    // INTA takes the slave's INT down; what still waits there gives the master a new edge.
    master_.set_line(kCascade, false);
  }
  master_.end_acknowledge(number);
  update();
  trace_.line(Channel::pic, "acknowledge: vector {:02x}", vector);
  return vector;
}

u32 Pic8259Pair::port_in(u16 port, Width) {
  if (port == 0x4D0) return master_.level_control();
  if (port == 0x4D1) return slave_.level_control();
  Pic8259& chip = port < 0xA0 ? master_ : slave_;
  const bool polls = chip.polls();
  const u8 value = chip.read(port & 1);
  if (polls) {
    if (&chip == &slave_) master_.set_line(kCascade, false);
    update();
  }
  return value;
}

void Pic8259Pair::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  trace_.line(Channel::pic, "{:03x} <- {:02x}", port, byte);
  if (port == 0x4D0)
    master_.set_level_control(byte & kMasterLevelCapable);
  else if (port == 0x4D1)
    slave_.set_level_control(byte & kSlaveLevelCapable);
  else
    (port < 0xA0 ? master_ : slave_).write(port & 1, byte);
  update();
}

void Pic8259Pair::reset(Reset) {
  master_.reset();
  slave_.reset();
  update();
}

void Pic8259Pair::visit(State& state) {
  StateSection section(state, "pic8259");
  {
    StateSection chip(state, "master");
    master_.visit(state);
  }
  {
    StateSection chip(state, "slave");
    slave_.visit(state);
  }
  if (state.loading()) update();
}

}  // namespace penumbra
