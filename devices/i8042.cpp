// Commands, output buffer and scan code translation.
#include "devices/i8042.h"

#include "core/base/bits.h"

namespace penumbra {

namespace {

// Status register.
constexpr u8 kOutputFull = 0x01;
constexpr u8 kSystemFlag = 0x04;  // the same bit in the command byte
constexpr u8 kLastWasCommand = 0x08;
constexpr u8 kNotInhibited = 0x10;  // the keyboard lock is open
constexpr u8 kMouseOutputFull = 0x20;

// Command byte.
constexpr u8 kKeyboardInterrupt = 0x01;
constexpr u8 kMouseInterrupt = 0x02;
constexpr u8 kKeyboardDisable = 0x10;
constexpr u8 kMouseDisable = 0x20;
constexpr u8 kTranslate = 0x40;

// Output port: both lines of both devices idle high.
constexpr u8 kOutputReset = 0x01;
constexpr u8 kOutputA20 = 0x02;
constexpr u8 kOutputLines = 0xCC;
constexpr u8 kOutputIrq1 = 0x10;
constexpr u8 kOutputIrq12 = 0x20;
// Input port: not locked, colour display, no manufacturing jumper, second 256 KiB.
constexpr u8 kInputPort = 0xB0;

constexpr u8 kPort92Reset = 0x01;
constexpr u8 kPort92A20 = 0x02;

constexpr Ticks kWireDelay = microseconds(500);
constexpr std::size_t kMostResponses = 16;

// Scan code set 2 to set 1 as the controller's firmware has it; from 85h on a code stands for itself.
// Codes that no key has continue the pattern of their neighbours.
constexpr std::array<u8, 0x85> kTranslation{
    0xFF, 0x43, 0x41, 0x3F, 0x3D, 0x3B, 0x3C, 0x58, 0x64, 0x44, 0x42, 0x40, 0x3E, 0x0F, 0x29, 0x59,  // 00
    0x65, 0x38, 0x2A, 0x70, 0x1D, 0x10, 0x02, 0x5A, 0x66, 0x71, 0x2C, 0x1F, 0x1E, 0x11, 0x03, 0x5B,  // 10
    0x67, 0x2E, 0x2D, 0x20, 0x12, 0x05, 0x04, 0x5C, 0x68, 0x39, 0x2F, 0x21, 0x14, 0x13, 0x06, 0x5D,  // 20
    0x69, 0x31, 0x30, 0x23, 0x22, 0x15, 0x07, 0x5E, 0x6A, 0x72, 0x32, 0x24, 0x16, 0x08, 0x09, 0x5F,  // 30
    0x6B, 0x33, 0x25, 0x17, 0x18, 0x0B, 0x0A, 0x60, 0x6C, 0x34, 0x35, 0x26, 0x27, 0x19, 0x0C, 0x61,  // 40
    0x6D, 0x73, 0x28, 0x74, 0x1A, 0x0D, 0x62, 0x6E, 0x3A, 0x36, 0x1C, 0x1B, 0x75, 0x2B, 0x63, 0x76,  // 50
    0x55, 0x56, 0x77, 0x78, 0x79, 0x7A, 0x0E, 0x7B, 0x7C, 0x4F, 0x7D, 0x4B, 0x47, 0x7E, 0x7F, 0x6F,  // 60
    0x52, 0x53, 0x50, 0x4C, 0x4D, 0x48, 0x01, 0x45, 0x57, 0x4E, 0x51, 0x4A, 0x37, 0x49, 0x46, 0x54,  // 70
    0x80, 0x81, 0x82, 0x41, 0x54,                                                                    // 80
};
constexpr u8 kBreak = 0xF0;

constexpr u8 translated(u8 code) { return code < kTranslation.size() ? kTranslation[code] : code; }

}  // namespace

I8042::I8042(PortBus& ports, Clock& clock, Ps2Device& keyboard, Ps2Device& mouse, Lines lines, Trace& trace)
    : clock_(clock), keyboard_(keyboard), mouse_(mouse), lines_(std::move(lines)), trace_(trace), wire_(clock, [this] {
        receive_from_devices();
      }) {
  keyboard_.when_waiting([this] { serve(); });
  mouse_.when_waiting([this] { serve(); });
  ports.claim({0x60, 0x60}, *this);
  ports.claim({0x64, 0x64}, *this);
  ports.claim({0x92, 0x92}, *this);
}

// The system flag tells firmware a cold start from a warm one, so only power-on clears it.
void I8042::reset(Reset kind) {
  const u8 flag = kind == Reset::power_on ? 0 : command_byte() & kSystemFlag;
  ram_ = {};
  command_byte() = kTranslate | kMouseDisable | kKeyboardInterrupt | flag;
  output_ = 0;
  output_full_ = false;
  output_from_mouse_ = false;
  output_from_device_ = false;
  last_was_command_ = false;
  awaited_ = 0;
  input_poll_ = 0;
  break_prefix_ = false;
  responses_.clear();
  port_92_ = 0;
  wire_.cancel();
  set_a20(true);
  update_irqs();
}

void I8042::visit(State& state) {
  StateSection section(state, "i8042");
  state.field("ram", ram_);
  state.field("output", output_);
  state.field("output_full", output_full_);
  state.field("output_from_mouse", output_from_mouse_);
  state.field("output_from_device", output_from_device_);
  state.field("last_was_command", last_was_command_);
  state.field("awaited", awaited_);
  state.field("input_poll", input_poll_);
  state.field("break_prefix", break_prefix_);
  state.field("a20", a20_);
  state.field("port_92", port_92_);
  state.field("responses", responses_, kMostResponses);
  wire_.visit(state, "wire");
  if (state.loading()) lines_.a20(a20_);
}

u32 I8042::port_in(u16 port, Width) {
  switch (port) {
    case 0x60: return read_data();
    case 0x64: return status();
    default: return static_cast<u32>((port_92_ & ~kPort92A20) | (a20_ ? kPort92A20 : 0));
  }
}

void I8042::port_out(u16 port, Width, u32 value) {
  const u8 byte = static_cast<u8>(value);
  trace_.line(Channel::keyboard, "{:02x} <- {:02x}", port, byte);
  switch (port) {
    case 0x60: return write_data(byte);
    case 0x64: return write_command(byte);
    default: return write_port_92(byte);
  }
}

u8 I8042::status() const {
  u8 value = static_cast<u8>((ram_[0] & kSystemFlag) | kNotInhibited);
  if (output_full_) value |= kOutputFull;
  if (output_full_ && output_from_mouse_) value |= kMouseOutputFull;
  if (last_was_command_) value |= kLastWasCommand;
  if (input_poll_) value = static_cast<u8>((value & 0x0F) | (input_poll_ & 0xF0));
  return value;
}

u8 I8042::read_data() {
  if (!output_full_) return output_;
  const u8 value = output_;
  output_full_ = false;
  update_irqs();
  trace_.line(Channel::keyboard, "60 -> {:02x}{}", value, output_from_mouse_ ? " (mouse)" : "");
  if (output_from_device_) {
    output_from_device_ = false;
    (output_from_mouse_ ? mouse_ : keyboard_).byte_read();
  }
  serve();
  return value;
}

void I8042::write_data(u8 value) {
  last_was_command_ = false;
  input_poll_ = 0;
  if (awaited_) {
    const u8 command = awaited_;
    awaited_ = 0;
    return write_parameter(command, value);
  }
  // A byte for the keyboard opens its interface.
  command_byte() &= static_cast<u8>(~kKeyboardDisable);
  keyboard_.receive(value);
  serve();
}

void I8042::write_command(u8 command) {
  last_was_command_ = true;
  awaited_ = 0;
  input_poll_ = 0;
  if (command >= 0x20 && command < 0x40) return respond(ram_[command & 0x1F]);
  if (command >= 0x60 && command < 0x80) {
    awaited_ = command;
    return;
  }
  if (command >= 0xF0) {  // pulse output port bits 3-0 where the command has zeros
    if (!(command & kOutputReset)) lines_.reset();
    return;
  }
  switch (command) {
    case 0xA4:  // is there a password?
      return respond(0xF1);
    case 0xA5:  // load password
    case 0xCB:  // controller mode of some clones
    case 0xD1:
    case 0xD2:
    case 0xD3:
    case 0xD4: awaited_ = command; break;
    case 0xA7: command_byte() |= kMouseDisable; break;
    case 0xA8: command_byte() &= static_cast<u8>(~kMouseDisable); return serve();
    case 0xA9:  // interface tests: no line is stuck
    case 0xAB: return respond(0x00);
    case 0xAA: command_byte() |= kSystemFlag; return respond(0x55);
    case 0xAD: command_byte() |= kKeyboardDisable; break;
    case 0xAE: command_byte() &= static_cast<u8>(~kKeyboardDisable); return serve();
    case 0xC0: return respond(kInputPort);
    case 0xC1: input_poll_ = static_cast<u8>(kInputPort << 4) | 1; break;
    case 0xC2: input_poll_ = (kInputPort & 0xF0) | 1; break;
    case 0xD0: return respond(output_port());
    case 0xDD: return set_a20(false);
    case 0xDF: return set_a20(true);
    case 0xE0:  // test inputs: the clock and data lines
      return respond(enabled(kKeyboardDisable) ? 0x03 : 0x02);
    default: break;
  }
}

void I8042::write_parameter(u8 command, u8 value) {
  switch (command) {
    case 0xA5:  // a password ends with a zero; there is no way to set one here
      if (value) awaited_ = command;
      break;
    case 0xCB: break;
    case 0xD1: return write_output_port(value);
    case 0xD2: return respond(value, Source::keyboard);
    case 0xD3: return respond(value, Source::mouse);
    case 0xD4:
      command_byte() &= static_cast<u8>(~kMouseDisable);
      mouse_.receive(value);
      return serve();
    case 0x60: return write_command_byte(value);
    default: ram_[command & 0x1F] = value; break;
  }
}

void I8042::write_command_byte(u8 value) {
  command_byte() = value;
  if (!(value & kTranslate)) break_prefix_ = false;
  update_irqs();
  serve();
}

u8 I8042::output_port() const {
  u8 value = kOutputReset | kOutputLines;
  if (a20_) value |= kOutputA20;
  if (output_full_) value |= output_from_mouse_ ? kOutputIrq12 : kOutputIrq1;
  return value;
}

void I8042::write_output_port(u8 value) {
  set_a20(value & kOutputA20);
  if (!(value & kOutputReset)) lines_.reset();
}

void I8042::write_port_92(u8 value) {
  const bool pulse = (value & kPort92Reset) && !(port_92_ & kPort92Reset);
  port_92_ = value;
  set_a20(value & kPort92A20);
  if (pulse) lines_.reset();
}

void I8042::set_a20(bool on) {
  a20_ = on;
  lines_.a20(on);
}

void I8042::respond(u8 value, Source as) {
  if (responses_.size() < kMostResponses) responses_.push_back(static_cast<u16>(value | number(as) << 8));
  serve();
}

void I8042::serve() {
  if (output_full_) return;
  if (!responses_.empty()) {
    const u16 next = responses_.front();
    responses_.erase(responses_.begin());
    output_from_device_ = false;
    return fill(static_cast<u8>(next), next >> 8 == number(Source::mouse) ? Source::mouse : Source::controller);
  }
  const bool waits =
      (enabled(kKeyboardDisable) && keyboard_.has_byte()) || (enabled(kMouseDisable) && mouse_.has_byte());
  if (waits && !wire_.armed()) wire_.arm(clock_.now() + kWireDelay.value);
}

void I8042::receive_from_devices() {
  if (output_full_) return;
  if (enabled(kKeyboardDisable) && keyboard_.has_byte() && receive_from_keyboard()) return;
  if (enabled(kMouseDisable) && mouse_.has_byte()) {
    const u8 byte = mouse_.take_byte();
    output_from_device_ = true;
    fill(byte, Source::mouse);
  }
}

// False if the translation swallowed everything that waited.
bool I8042::receive_from_keyboard() {
  u8 code = keyboard_.take_byte();
  if (command_byte() & kTranslate) {
    while (code == kBreak) {
      break_prefix_ = true;
      keyboard_.byte_read();
      if (!keyboard_.has_byte()) return false;
      code = keyboard_.take_byte();
    }
    code = static_cast<u8>(translated(code) | (break_prefix_ ? 0x80 : 0));
    break_prefix_ = false;
  }
  output_from_device_ = true;
  fill(code, Source::keyboard);
  return true;
}

void I8042::fill(u8 value, Source source) {
  output_ = value;
  output_full_ = true;
  output_from_mouse_ = source == Source::mouse;
  update_irqs();
}

void I8042::update_irqs() {
  lines_.irq1.set(output_full_ && !output_from_mouse_ && (ram_[0] & kKeyboardInterrupt));
  lines_.irq12.set(output_full_ && output_from_mouse_ && (ram_[0] & kMouseInterrupt));
}

}  // namespace penumbra
