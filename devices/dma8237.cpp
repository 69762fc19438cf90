// DMA registers and cycles.
#include "devices/dma8237.h"

#include <algorithm>

#include "core/base/check.h"

namespace penumbra {

namespace {

// Mode register (8237A datasheet, figure "Mode Register").
constexpr u8 kModeAutoinit = 0x10;
constexpr u8 kModeDecrement = 0x20;
constexpr u8 kModeKind = 0xC0;
constexpr u8 kModeSingle = 0x40;
constexpr u8 kModeCascade = 0xC0;

// Command register.
constexpr u8 kCommandMemoryToMemory = 0x01;
constexpr u8 kCommandHoldAddress0 = 0x02;
constexpr u8 kCommandDisable = 0x04;

enum Register : unsigned {
  kStatusCommand = 8,
  kRequest = 9,
  kSingleMask = 10,
  kMode = 11,
  kClearFlipFlop = 12,
  kTemporaryMasterClear = 13,
  kClearMask = 14,
  kAllMask = 15,
};

// Which page register belongs to a channel, as an offset from 80h (PC/AT; 82371SB table "DMA page registers").
constexpr std::array<u8, 8> kPageOf{0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA};

constexpr unsigned unit_bytes(unsigned number) { return number < 4 ? 1 : 2; }

}  // namespace

class Dma8237::Line final : public DmaChannel {
 public:
  Line(Dma8237& owner, unsigned number) : owner_(owner), number_(number) {}

  void request(bool level) override {
    u8& dreq = owner_.controller_of(number_).dreq;
    dreq = with_bit(dreq, number_ & 3, level);
  }
  bool ready() const override { return owner_.ready(number_); }
  DmaTransfer transfer() const override { return owner_.transfer(number_); }
  std::size_t to_memory(std::span<const u8> bytes) override {
    return owner_.run(number_, {bytes.data(), nullptr}, bytes.size(), ended_);
  }
  std::size_t from_memory(std::span<u8> bytes) override {
    return owner_.run(number_, {nullptr, bytes.data()}, bytes.size(), ended_);
  }
  bool terminal_count() const override { return ended_; }
  void when_ready(std::function<void()> action) override { action_ = std::move(action); }

  void visit(State& state) { state.field("ended", ended_); }
  void became_ready() const {
    if (action_) action_();
  }

 private:
  Dma8237& owner_;
  unsigned number_;
  bool ended_ = false;
  std::function<void()> action_;
};

Dma8237::Dma8237(PortBus& ports, GuestMemory& memory, Trace& trace, std::function<void(u8)> post)
    : memory_(memory), trace_(trace), post_(std::move(post)) {
  for (unsigned i = 0; i < lines_.size(); ++i) lines_[i] = std::make_unique<Line>(*this, i);
  ports.claim({0x00, 0x0F}, *this);
  ports.claim({0x80, 0x8F}, *this);
  ports.claim({0xC0, 0xDF}, *this);
}

Dma8237::~Dma8237() = default;

DmaChannel& Dma8237::channel(unsigned number) {
  CHECK_THAT(number < 8 && number != 4, "channel {}", number);
  return *lines_[number];
}

void Dma8237::reset(Reset kind) {
  for (Controller& controller : controllers_) master_clear(controller);
  if (kind == Reset::power_on) pages_ = {};
}

void Dma8237::visit(State& state) {
  StateSection section(state, "dma8237");
  for (unsigned i = 0; i < controllers_.size(); ++i) {
    Controller& c = controllers_[i];
    StateSection controller_section(state, i == 0 ? "controller1" : "controller2");
    for (Channel& channel : c.channels) {
      state.field("base_address", channel.base_address);
      state.field("base_count", channel.base_count);
      state.field("current_address", channel.current_address);
      state.field("current_count", channel.current_count);
      state.field("mode", channel.mode);
    }
    state.field("command", c.command);
    state.field("request", c.request);
    state.field("dreq", c.dreq);
    state.field("mask", c.mask);
    state.field("terminal_count", c.terminal_count);
    state.field("temporary", c.temporary);
    state.field("high_byte", c.high_byte);
  }
  for (const auto& line : lines_) line->visit(state);
  state.field("pages", pages_);
}

void Dma8237::master_clear(Controller& controller) {
  controller.command = 0;
  controller.request = 0;
  controller.terminal_count = 0;
  controller.temporary = 0;
  controller.high_byte = false;
  controller.mask = 0x0F;
}

u32 Dma8237::port_in(u16 port, Width) {
  if (port < 0x10) return read_register(controllers_[0], port);
  if (port < 0x90) return pages_[port & 0xF];
  return read_register(controllers_[1], (port - 0xC0) >> 1);
}

void Dma8237::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  if (port >= 0x80 && port < 0x90) {
    pages_[port & 0xF] = byte;
    if (port == 0x80 && post_) post_(byte);
    return;
  }
  const unsigned first = port < 0x10 ? 0 : 4;
  std::array<bool, 4> before;
  for (unsigned i = 0; i < 4; ++i) before[i] = ready(first + i);
  write_register(controller_of(first), first ? (port - 0xC0) >> 1 : port, byte);
  for (unsigned i = 0; i < 4; ++i)
    if (!before[i] && ready(first + i) && bit(controller_of(first).dreq, i)) lines_[first + i]->became_ready();
}

u8 Dma8237::read_register(Controller& controller, unsigned index) {
  if (index < 8) {
    const Channel& channel = controller.channels[index >> 1];
    const u16 value = index & 1 ? channel.current_count : channel.current_address;
    controller.high_byte = !controller.high_byte;
    return static_cast<u8>(controller.high_byte ? value : value >> 8);
  }
  switch (index) {
    case kStatusCommand: {
      const u8 status = static_cast<u8>(controller.terminal_count | (controller.dreq | controller.request) << 4);
      controller.terminal_count = 0;
      return status;
    }
    case kTemporaryMasterClear: return controller.temporary;
    case kAllMask: return 0xF0 | controller.mask;
    default: return 0xFF;
  }
}

void Dma8237::write_counter(Controller& controller, unsigned index, u8 value) {
  Channel& channel = controller.channels[index >> 1];
  u16& base = index & 1 ? channel.base_count : channel.base_address;
  base =
      controller.high_byte ? static_cast<u16>((base & 0x00FF) | value << 8) : static_cast<u16>((base & 0xFF00) | value);
  (index & 1 ? channel.current_count : channel.current_address) = base;
  controller.high_byte = !controller.high_byte;
}

void Dma8237::write_register(Controller& controller, unsigned index, u8 value) {
  if (index < 8) return write_counter(controller, index, value);
  switch (index) {
    case kStatusCommand: controller.command = value; break;
    case kRequest:
      controller.request = with_bit(controller.request, value & 3, value & 4);
      if (value & 4) software_request(controller, value & 3);
      break;
    case kSingleMask: controller.mask = with_bit(controller.mask, value & 3, value & 4); break;
    case kMode: controller.channels[value & 3].mode = value; break;
    case kClearFlipFlop: controller.high_byte = false; break;
    case kTemporaryMasterClear: master_clear(controller); break;
    case kClearMask: controller.mask = 0; break;
    case kAllMask: controller.mask = value & 0x0F; break;
  }
}

// A request by software is served although the channel is masked (8237A "Software Commands", "Request Register").
// No device drives the bus then, so only addresses and counts move.
void Dma8237::software_request(Controller& controller, unsigned number) {
  if (controller.command & kCommandDisable) return;
  if ((controller.command & kCommandMemoryToMemory) && number == 0) return memory_to_memory(controller);
  const u8 mode = controller.channels[number].mode & kModeKind;
  if (mode == kModeCascade) return;
  const unsigned global = (&controller == &controllers_[1] ? 4 : 0) + number;
  const u32 left = u32{controller.channels[number].current_count} + 1;
  advance(global, mode == kModeSingle ? 1 : left);
  controller.request = with_bit(controller.request, number, false);
}

// Channel 0 names the source, channel 1 the destination and the length (8237A "Memory-to-Memory").
void Dma8237::memory_to_memory(Controller& controller) {
  const unsigned source = &controller == &controllers_[1] ? 4 : 0;
  bool ended = false;
  while (!ended) {
    std::array<u8, 2> unit{};
    const std::span<u8> bytes(unit.data(), unit_bytes(source));
    memory_.read(address(source), bytes);
    controller.temporary = unit[0];
    memory_.write(address(source + 1), bytes);
    Channel& from = controller.channels[0];
    if (!(controller.command & kCommandHoldAddress0))
      from.current_address = static_cast<u16>(from.current_address + (from.mode & kModeDecrement ? -1 : 1));
    --from.current_count;
    ended = advance(source + 1, 1);
  }
  if (controller.channels[0].mode & kModeAutoinit) {
    controller.channels[0].current_address = controller.channels[0].base_address;
    controller.channels[0].current_count = controller.channels[0].base_count;
  }
  controller.request &= static_cast<u8>(~1u);
}

bool Dma8237::ready(unsigned number) const {
  const Controller& controller = controllers_[number >> 2];
  const Channel& channel = controller.channels[number & 3];
  return !(controller.command & kCommandDisable) && !bit(controller.mask, number & 3) &&
         (channel.mode & kModeKind) != kModeCascade;
}

DmaTransfer Dma8237::transfer(unsigned number) const {
  const Channel& channel = controllers_[number >> 2].channels[number & 3];
  if ((channel.mode & kModeKind) == kModeCascade) return DmaTransfer::none;
  constexpr std::array kKinds{DmaTransfer::verify, DmaTransfer::to_memory, DmaTransfer::from_memory, DmaTransfer::none};
  return kKinds[bits(channel.mode, 3, 2)];
}

PhysAddr Dma8237::address(unsigned number) const {
  const u64 page = pages_[kPageOf[number]];
  const u64 offset = controllers_[number >> 2].channels[number & 3].current_address;
  return PhysAddr(number < 4 ? page << 16 | offset : (page & 0xFE) << 16 | offset << 1);
}

bool Dma8237::advance(unsigned number, u32 units) {
  Controller& controller = controller_of(number);
  Channel& channel = controller.channels[number & 3];
  const bool ended = units > channel.current_count;
  const u32 step = channel.mode & kModeDecrement ? 0u - units : units;
  channel.current_address = static_cast<u16>(channel.current_address + step);
  channel.current_count = static_cast<u16>(channel.current_count - units);
  if (!ended) return false;
  controller.terminal_count |= static_cast<u8>(1u << (number & 3));
  controller.request = with_bit(controller.request, number & 3, false);
  if (channel.mode & kModeAutoinit) {
    channel.current_address = channel.base_address;
    channel.current_count = channel.base_count;
  } else {
    controller.mask = with_bit(controller.mask, number & 3, true);
  }
  trace_.line(penumbra::Channel::dma, "channel {}: terminal count", number);
  return true;
}

std::size_t Dma8237::run(unsigned number, Data data, std::size_t bytes, bool& ended) {
  ended = false;
  const std::size_t unit = unit_bytes(number);
  const DmaTransfer kind = transfer(number);
  std::size_t done = 0;
  while (bytes - done >= unit && !ended && ready(number)) {
    const Channel& channel = controller_of(number).channels[number & 3];
    // A run ends where the 16-bit address register wraps; backwards, each unit is one.
    const u32 to_wrap = channel.mode & kModeDecrement ? 1 : 0x10000u - channel.current_address;
    const u32 offered = static_cast<u32>(std::min<std::size_t>((bytes - done) / unit, 0x10000));
    const u32 units = std::min({offered, u32{channel.current_count} + 1, to_wrap});
    const std::size_t count = units * unit;
    if (data.from_device && kind == DmaTransfer::to_memory)
      memory_.write(address(number), {data.from_device + done, count});
    else if (data.to_device && kind == DmaTransfer::from_memory)
      memory_.read(address(number), {data.to_device + done, count});
    else if (data.to_device)
      std::fill_n(data.to_device + done, count, u8{0xFF});
    ended = advance(number, units);
    done += count;
  }
  trace_.line(penumbra::Channel::dma, "channel {}: {} of {} bytes", number, done, bytes);
  return done;
}

}  // namespace penumbra
