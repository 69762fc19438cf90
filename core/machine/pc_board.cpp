// The wiring list, and what firmware finds in CMOS memory and ROM.
#include "core/machine/pc_board.h"

#include "bios/firmware.h"
#include "core/base/error.h"
#include "core/machine/file.h"
#include "devices/fw_cfg_items.h"
#include "devices/medium.h"

namespace penumbra {

namespace {

// The VGA's option ROM: a file, or our own.
std::vector<u8> vga_rom(const MachineConfig& config) {
  if (!config.vgabios.empty()) return read_file(config.vgabios, "a VGA BIOS image", 256 << 10);
  const auto own = vga_bios();
  return {own.begin(), own.end()};
}

i64 utc_offset(const MachineConfig& config, i64 epoch) {
  if (!config.rtc_local) return 0;
  const time_t now = static_cast<time_t>(epoch);
  tm local{};
  localtime_r(&now, &local);
  return local.tm_gmtoff;
}

}  // namespace

PcBoard::PcBoard(const MachineConfig& config, const CpuModel& model, MachineClock& clock, Trace& trace)
    : memory(config.memory_bytes, trace),
      ports(trace),
      irqs_([this](unsigned irq, bool level) { drive_irq(irq, level); }),
      pic(ports, intr_, trace),
      local_apic(memory, clock, pic, trace, {[this] { cpu.stop_soon(); }, [this] { cpu.raise_nmi(); }}),
      cpu({memory, ports, local_apic, clock, &ferr_, trace}, model),
      io_apic(memory, local_apic, trace),
      ferr_latch(ports, irqs_.driver(13), [this](bool on) { cpu.set_ignne(on); }),
      pci(
          ports, memory, trace, [this](unsigned pirq, bool level) { isa_bridge.set_pirq(pirq, level); },
          [this](ResetRequest what) {
            ask(what == ResetRequest::cpu ? &BoardRequests::reset_cpu : &BoardRequests::reset_board);
          }),
      host_bridge(memory, trace),
      isa_bridge(trace, [this](unsigned irq, bool level) { drive_pirq(irq, level); }),
      ide(irqs_.driver(14), irqs_.driver(15), memory, clock, trace),
      power(ports, clock, irqs_.driver(9), trace, [this] { ask(&BoardRequests::power_off); }),
      vga(ports, memory, clock, trace, vga_rom(config)),
      pit(ports, clock, irqs_.driver(0), trace),
      rtc(ports, clock, irqs_.driver(8), trace, utc_offset(config, clock.epoch())),
      post_ports(ports, trace),
      dma(ports, memory, trace, [this](u8 code) { post_ports.post(0x80, code); }),
      floppy(ports, irqs_.driver(6), dma.channel(2), clock, trace),
      keyboard(trace),
      mouse(clock, trace),
      keyboard_controller(ports, clock, keyboard, mouse,
                          {irqs_.driver(1), irqs_.driver(12),
                           [this](bool on) {
                             memory.set_a20(on);
                             cpu.stop_soon();
                           },
                           [this] { ask(&BoardRequests::reset_cpu); }},
                          trace),
      com1(ports, clock, irqs_.driver(4), trace, 0x3F8, "com1"),
      com2(ports, clock, irqs_.driver(3), trace, 0x2F8, "com2"),
      lpt1(ports, irqs_.driver(7), trace, 0x378, "lpt1"),
      debug_console(ports),
      fw_cfg(ports, memory, trace) {
  intr_.to = &local_apic.lint0();
  ferr_.to = &ferr_latch;
  local_apic.connect(io_apic);
  cpu.connect_apic(this);
  for (unsigned irq = 0; irq < 16; ++irq) pirq_drivers_[irq] = &irqs_.driver(irq);
  if (config.debug_exit_port)
    debug_exit = std::make_unique<DebugExit>(ports, config.debug_exit_port, [this](u32 value) {
      requests.debug_exit = value;
      cpu.stop_for_owner();
    });
  pci.attach(0, 0, host_bridge);
  pci.attach(1, 0, isa_bridge);
  pci.attach(1, 1, ide);
  pci.attach(1, 3, power);
  pci.attach(2, 0, vga);
  devices_ = {&pic,        &local_apic, &io_apic, &ferr_latch,    &pci,   &host_bridge,
              &isa_bridge, &ide,        &power,   &vga,           &pit,   &rtc,
              &post_ports, &dma,        &floppy,  &keyboard,      &mouse, &keyboard_controller,
              &com1,       &com2,       &lpt1,    &debug_console, &fw_cfg};
  if (debug_exit) devices_.push_back(debug_exit.get());

  attach_drives(config);
  add_machine_facts(fw_cfg, memory.low_ram_bytes(), memory.high_ram_bytes(), 1);
  map_firmware(config);
  fill_cmos(config);
  reset(Reset::power_on);
}

void PcBoard::ask(bool BoardRequests::*what) {
  requests.*what = true;
  cpu.stop_for_owner();
}

void PcBoard::drive_irq(unsigned irq, bool level) {
  pic.line(irq).set(level);
  io_apic.set_pin(irq == 0 ? 2 : irq, level);
}

void PcBoard::drive_pirq(unsigned irq, bool level) { pirq_drivers_[irq]->set(level); }

void PcBoard::attach_drives(const MachineConfig& config) {
  for (unsigned n = 0; n < config.ide.size(); ++n) {
    if (!config.ide[n]) continue;
    const DriveConfig& drive = *config.ide[n];
    std::unique_ptr<BlockDevice> medium;
    if (!drive.path.empty()) medium = open_medium(drive.path, drive.read_only || drive.cdrom);
    if (drive.cdrom)
      ide.attach_cdrom(n, std::move(medium));
    else if (medium)
      ide.attach_disk(n, std::move(medium));
  }
  // A PC of this age has drive A: whether or not there is a disk in it.
  for (unsigned n = 0; n < config.floppy.size(); ++n) {
    if (!config.floppy[n] && n > 0) continue;
    const DriveConfig drive = config.floppy[n].value_or(DriveConfig{});
    floppy.attach(n, drive.path.empty() ? nullptr : open_medium(drive.path, drive.read_only));
  }
}

// IBM PC/AT CMOS locations, and those that QEMU's and Bochs' firmware agreed on.
void PcBoard::fill_cmos(const MachineConfig& config) {
  const u64 low = memory.low_ram_bytes();
  const auto set_word = [&](u8 index, u64 value) {
    rtc.set_cmos(index, static_cast<u8>(value));
    rtc.set_cmos(static_cast<u8>(index + 1), static_cast<u8>(value >> 8));
  };
  const u64 extended_kib = low > (1 << 20) ? (low - (1 << 20)) >> 10 : 0;
  set_word(0x15, std::min<u64>(low >> 10, 640));
  set_word(0x17, std::min<u64>(extended_kib, 0xFFFF));
  set_word(0x30, std::min<u64>(extended_kib, 0xFFFF));
  set_word(0x34, low > (16 << 20) ? std::min<u64>((low - (16 << 20)) >> 16, 0xFFFF) : 0);
  const u64 high = memory.high_ram_bytes() >> 16;
  set_word(0x5B, high & 0xFFFF);
  rtc.set_cmos(0x5D, static_cast<u8>(high >> 16));

  const u8 types = static_cast<u8>(floppy.cmos_type(0) << 4 | floppy.cmos_type(1));
  rtc.set_cmos(0x10, types);
  const unsigned floppies = (types & 0xF0 ? 1 : 0) + (types & 0x0F ? 1 : 0);
  // Equipment: floppies, VGA, a mouse port, a coprocessor.
  rtc.set_cmos(0x14, static_cast<u8>((floppies ? 1 | (floppies - 1) << 6 : 0) | 0x06));

  // The boot order as nibbles: 1 floppy, 2 hard disk, 3 CD; bit 0 of 38h skips the floppy signature check.
  u8 order[3] = {};
  for (unsigned n = 0; n < 3 && n < config.boot_order.size(); ++n) {
    const char letter = config.boot_order[n];
    order[n] = letter == 'a' ? 1 : letter == 'c' ? 2 : letter == 'd' ? 3 : 0;
  }
  rtc.set_cmos(0x3D, static_cast<u8>(order[0] | order[1] << 4));
  rtc.set_cmos(0x38, static_cast<u8>(order[2] << 4 | 1));
}

void PcBoard::map_firmware(const MachineConfig& config) {
  std::vector<u8> image;
  if (config.bios.empty()) {
    const auto own = system_bios();
    image.assign(own.begin(), own.end());
  } else {
    image = read_file(config.bios, "a BIOS image", 16 << 20);
    if (image.size() % 0x10000 != 0 || image.empty())
      throw ConfigError(
          fmt::format("--bios {}: {} bytes; a BIOS image is a multiple of 64 KiB", config.bios, image.size()));
  }
  memory.map_rom(PhysAddr(0x1'0000'0000 - image.size()), image, "bios");
  // The last 128 KiB show below 1 MiB, where PAM can put RAM in their place.
  const std::size_t shown = std::min<std::size_t>(image.size(), 0x20000);
  memory.map_rom(PhysAddr(0x100000 - shown), std::span(image).last(shown), "bios-low");
  const std::vector<u8> vga_image = vga_rom(config);
  memory.map_rom(PhysAddr(0xC0000), vga_image, "vga-bios-low");
}

void PcBoard::reset(Reset kind) {
  requests = {};
  for (Device* device : devices_) device->reset(kind);
  cpu.reset();
  cpu.apic_base = local_apic.base_msr();
}

void PcBoard::visit(State& state) {
  cpu.visit_state(state);
  irqs_.visit(state);
  for (Device* device : devices_) device->visit(state);
  if (state.loading()) cpu.state_changed();
}

}  // namespace penumbra
