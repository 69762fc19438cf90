// The ACPI registers' behaviour.
#include "devices/piix4_pm.h"

#include "core/base/bits.h"

namespace penumbra {

namespace {

// PMSTS and PMEN
constexpr u16 kTimer = 1 << 0;
constexpr u16 kGlobal = 1 << 5;
constexpr u16 kPowerButton = 1 << 8;
constexpr u16 kRtc = 1 << 10;
constexpr u16 kWake = 1 << 15;
constexpr u16 kStatusBits = kTimer | 1 << 4 | kGlobal | kPowerButton | kRtc | 1 << 11 | kWake;
constexpr u16 kEnableBits = kTimer | kGlobal | kPowerButton | kRtc;
// PMCNTRL
constexpr u16 kSciEnable = 1 << 0;
constexpr u16 kControlBits = 0x1C03;   // SCI_EN, BRLD_EN_BM, SUS_TYP; GBL_RLS and SUS_EN are write-only
constexpr u8 kSuspendEnable = 1 << 5;  // SUS_EN, in the high byte
constexpr u8 kSoftOff = 0;             // SUS_TYP: S5, as the board's firmware tells in \_S5

// Values for the APM control port that the FADT names as ACPI_ENABLE and ACPI_DISABLE.
constexpr u8 kAcpiEnable = 0xF1;
constexpr u8 kAcpiDisable = 0xF0;

constexpr u32 kTimerMask = 0xFF'FFFF;
constexpr u64 kHalfPeriod = u64{1} << 23;  // TMR_STS follows each change of the timer's top bit

// Configuration registers
constexpr u8 kPmBase = 0x40;
constexpr u8 kPmRegMisc = 0x80;
constexpr u8 kSmbusBase = 0x90;
constexpr u8 kSmbusHostConfig = 0xD2;

// SMBus host registers
constexpr unsigned kHostStatus = 0;
constexpr unsigned kHostControl = 2;
constexpr unsigned kSlaveStatus = 1;
constexpr u8 kDeviceError = 1 << 2;
constexpr u8 kStart = 1 << 6;

// GLBCTL bit 1, BIOS_RLS: firmware asks for the operating system's attention.
constexpr unsigned kGlobalControl = 0x28;
constexpr u8 kBiosRelease = 1 << 1;

}  // namespace

u32 Piix4Pm::Registers::port_in(u16 port, Width width) {
  const unsigned offset = (port - first_) & (size_ - 1);
  u32 value = (pm_.*read_)(offset & ~3u) >> 8 * (offset & 3);
  if ((offset & 3) + bytes_of(width) > 4) value |= (pm_.*read_)((offset & ~3u) + 4) << 8 * (4 - (offset & 3));
  return value & all_ones(width);
}

void Piix4Pm::Registers::port_out(u16 port, Width width, u32 value) {
  const unsigned offset = (port - first_) & (size_ - 1);
  for (unsigned i = 0; i < bytes_of(width); ++i) (pm_.*write_)(offset + i, static_cast<u8>(value >> 8 * i));
}

Piix4Pm::Piix4Pm(PortBus& ports, Clock& clock, IrqLine& sci, Trace& trace, std::function<void()> power_off)
    : PciFunction({.vendor = 0x8086, .device = 0x7113, .class_code = 0x068000, .revision = 3, .interrupt_pin = 1}),
      clock_(clock),
      sci_(sci),
      trace_(trace),
      power_off_(std::move(power_off)),
      pm_ports_(*this, &Piix4Pm::pm_read, &Piix4Pm::pm_write, 0, 64),
      gpe_ports_(*this, &Piix4Pm::gpe_read, &Piix4Pm::gpe_write, 0xAFE0, 4),
      hot_plug_ports_(*this, &Piix4Pm::hot_plug_read, &Piix4Pm::hot_plug_write, 0xAE00, 16),
      apm_ports_(*this, &Piix4Pm::apm_read, &Piix4Pm::apm_write, 0xB2, 2),
      smbus_ports_(*this, &Piix4Pm::smbus_read, &Piix4Pm::smbus_write, 0, 16),
      overflow_(clock, [this] {
        latch_timer_overflow();
        update_sci();
      }) {
  declare(kCommand, Width::word, 0, 0x0001);
  declare(kStatus, Width::word, 0x0280, 0, 0x7800);
  declare(0x0C, Width::word, 0, 0);
  declare(kPmBase, Width::dword, 1, 0xFFC0);
  for (unsigned offset = 0x44; offset < 0x80; offset += 4)  // CNTA, CNTB, GPICTL, DEVRESA-J, DEVACTA, DEVACTB
    declare(static_cast<u8>(offset), Width::dword, 0, 0xFFFF'FFFF);
  // DEVACTB with APMC_EN set: firmware that finds it so takes SMM for initialized, and does not wait for an SMI.
  declare(0x58, Width::dword, 0x0200'0000, 0xFFFF'FFFF);
  declare(kPmRegMisc, Width::byte, 0, 1);
  declare(kSmbusBase, Width::dword, 1, 0xFFF0);
  declare(kSmbusHostConfig, Width::byte, 0, 0x0F);
  for (u8 offset = 0xD3; offset < 0xD6; ++offset) declare(offset, Width::byte, 0, 0xFF);
  pm_window_ = declare_io_window(64, pm_ports_, Width::dword);
  smbus_window_ = declare_io_window(16, smbus_ports_, Width::word);
  // The board's general-purpose events stand where SeaBIOS's tables look for them, beside the function's own place;
  // the hot-plug registers below them say that nothing comes or goes.
  ports.claim({0xAFE0, 0xAFE3}, gpe_ports_, Width::dword);
  ports.claim({0xAE00, 0xAE0F}, hot_plug_ports_, Width::dword);
  ports.claim({0xB2, 0xB3}, apm_ports_, Width::word);
  reset(Reset::power_on);
}

void Piix4Pm::reset(Reset) {
  reset_pci();
  status_ = enable_ = control_ = gpe_status_ = gpe_enable_ = 0;
  plain_ = {};
  store<u32>(&plain_[0x34], 0x7FFF'BFFF);  // GPOREG
  apm_control_ = apm_status_ = 0;
  smbus_ = {};
  overflow_at_ = (timer_ticks() / kHalfPeriod + 1) * kHalfPeriod;
  overflow_.cancel();
  update_sci();
}

void Piix4Pm::visit(State& state) {
  StateSection section(state, "piix4_pm");
  visit_pci(state);
  state.field("PMSTS", status_);
  state.field("PMEN", enable_);
  state.field("PMCNTRL", control_);
  state.field("GPSTS", gpe_status_);
  state.field("GPEN", gpe_enable_);
  state.field("overflow_at", overflow_at_);
  state.field("plain", plain_);
  state.field("APMC", apm_control_);
  state.field("APMS", apm_status_);
  state.field("smbus", smbus_);
  overflow_.visit(state, "overflow");
}

void Piix4Pm::config_written(u8, u8) { place_windows(); }

void Piix4Pm::place_windows() {
  const u32 pm = config_byte(kPmBase) | config_byte(kPmBase + 1) << 8;
  const u32 smbus = config_byte(kSmbusBase) | config_byte(kSmbusBase + 1) << 8;
  place_window(pm_window_, config_byte(kPmRegMisc) & 1 ? std::optional(pm & 0xFFC0) : std::nullopt);
  place_window(smbus_window_, config_byte(kSmbusHostConfig) & 1 ? std::optional(smbus & 0xFFF0) : std::nullopt);
}

// --- the PM timer ---

u64 Piix4Pm::timer_ticks() const {
  constexpr u64 kNanoseconds = 1'000'000'000;
  const u64 now = static_cast<u64>(clock_.now().value);
  return now / kNanoseconds * kTimerHertz + now % kNanoseconds * kTimerHertz / kNanoseconds;
}

void Piix4Pm::latch_timer_overflow() {
  if (timer_ticks() >= overflow_at_) status_ |= kTimer;
}

// A timer runs only while its overflow would interrupt; otherwise TMR_STS is worked out when it is read.
void Piix4Pm::rearm_timer() {
  latch_timer_overflow();
  if (!(enable_ & kTimer) || (status_ & kTimer)) {
    overflow_.cancel();
    return;
  }
  const u64 seconds_part = overflow_at_ / kTimerHertz;
  const u64 rest = overflow_at_ % kTimerHertz;
  const u64 deadline = seconds_part * 1'000'000'000 + (rest * 1'000'000'000 + kTimerHertz - 1) / kTimerHertz;
  overflow_.arm(Ticks(static_cast<i64>(deadline)));
}

// --- registers ---

u32 Piix4Pm::pm_read(unsigned dword) {
  switch (dword) {
    case 0x00: latch_timer_overflow(); return u32{status_} | u32{enable_} << 16;
    case 0x04: return control_;
    case 0x08: return static_cast<u32>(timer_ticks()) & kTimerMask;
    case 0x0C: return u32{gpe_status_} | u32{gpe_enable_} << 16;
    case 0x14: return 0;  // P_LVL2, P_LVL3: HLT is how this machine rests
    case 0x30: return 0;  // GPIREG
    default: return dword + 4 <= plain_.size() ? load<u32>(&plain_[dword]) : ~u32{0};
  }
}

void Piix4Pm::pm_write(unsigned offset, u8 value) {
  const unsigned shift = 8 * (offset & 1);
  const u16 wide = static_cast<u16>(value << shift);
  const u16 byte_mask = static_cast<u16>(0xFF << shift);
  switch (offset) {
    case 0x00:
    case 0x01:
      latch_timer_overflow();
      if (wide & status_ & kTimer) overflow_at_ = (timer_ticks() / kHalfPeriod + 1) * kHalfPeriod;
      status_ &= static_cast<u16>(~(wide & kStatusBits));
      rearm_timer();
      break;
    case 0x02:
    case 0x03:
      enable_ = static_cast<u16>((enable_ & ~byte_mask) | (wide & kEnableBits));
      rearm_timer();
      break;
    case 0x04:
    case 0x05:
      control_ = static_cast<u16>((control_ & ~byte_mask) | (wide & kControlBits));
      if (offset == 0x05) write_control(value);
      break;
    case 0x0C:
    case 0x0D: gpe_status_ &= static_cast<u16>(~wide); break;
    case 0x0E:
    case 0x0F: gpe_enable_ = static_cast<u16>((gpe_enable_ & ~byte_mask) | wide); break;
    case 0x18:
    case 0x19:
    case 0x1C:
    case 0x1D:
    case 0x1E:
    case 0x1F: break;  // GLBSTS, DEVSTS: nothing sets a bit, so nothing is to clear
    case kGlobalControl:
      plain_[offset] = value & ~kBiosRelease;
      if (value & kBiosRelease) status_ |= kGlobal;
      break;
    default:
      if (offset >= 0x10 && offset < plain_.size()) plain_[offset] = value;
  }
  update_sci();
}

// The one sleep there is is soft-off; from any other the machine wakes at once, in the same place.
void Piix4Pm::write_control(u8 high) {
  if (!(high & kSuspendEnable)) return;
  const unsigned type = high >> 2 & 7;
  trace_.line(Channel::acpi, "sleep type {}", type);
  if (type == kSoftOff)
    power_off_();
  else
    status_ |= kWake;
}

void Piix4Pm::power_button() {
  status_ |= kPowerButton;
  update_sci();
}

void Piix4Pm::update_sci() {
  const bool event = (status_ & enable_ & kEnableBits) || (gpe_status_ & gpe_enable_);
  sci_.set(event && (control_ & kSciEnable));
}

void Piix4Pm::apm_write(unsigned offset, u8 value) {
  if (offset == 1) {
    apm_status_ = value;
    return;
  }
  apm_control_ = value;
  trace_.line(Channel::acpi, "APM control {:02x}", value);
  if (value == kAcpiEnable) control_ |= kSciEnable;
  if (value == kAcpiDisable) control_ &= static_cast<u16>(~kSciEnable);
  update_sci();
}

// --- SMBus: every transfer ends in a device error, since no device acknowledges its address ---

u32 Piix4Pm::smbus_read(unsigned dword) { return load<u32>(&smbus_[dword & 12]); }

void Piix4Pm::smbus_write(unsigned offset, u8 value) {
  offset &= 15;
  if (offset == kHostStatus || offset == kSlaveStatus) {
    smbus_[offset] = static_cast<u8>(smbus_[offset] & ~value);
    return;
  }
  smbus_[offset] = offset == kHostControl ? value & ~kStart : value;
  if (offset == kHostControl && (value & kStart)) smbus_[kHostStatus] |= kDeviceError;
}

}  // namespace penumbra
