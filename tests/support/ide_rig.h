// An IDE controller on a PCI bus with hand-cranked time, and the port accesses of a driver.
#pragma once

#include <optional>

#include "devices/ide_controller.h"
#include "devices/pci_bus.h"
#include "tests/support/fake_medium.h"
#include "tests/support/recording_line.h"

namespace penumbra {

// The registers of the selected drive as a driver would read them, without touching INTRQ.
struct IdeRig {
  IdeRig() {
    pci.attach(1, 1, ide);
    ide.reset(Reset::power_on);
  }

  u8 in(u16 port) { return static_cast<u8>(ports.in(port, Width::byte)); }
  void out(u16 port, u32 value) { ports.out(port, Width::byte, value); }
  u8 status() { return in(base + 7); }
  u8 alternate() { return in(control); }
  u8 error() { return in(base + 1); }

  // Lets the drive work until it is not busy; false if it stays so.
  bool settle(Ticks most = milliseconds(10)) {
    for (const Ticks end = clock.now() + most.value; clock.now() < end; clock.advance(nanoseconds(500)))
      if (!(alternate() & 0x80)) return true;
    return false;
  }
  void task(u8 device, u8 count, u8 low, u8 mid, u8 high, u8 features = 0) {
    out(base + 6, device);
    out(base + 1, features);
    out(base + 2, count);
    out(base + 3, low);
    out(base + 4, mid);
    out(base + 5, high);
  }
  void command(u8 value) {
    out(base + 7, value);
    settle();
  }
  // LBA28 on device 0 or 1.
  void lba(u32 sector, u8 count, u8 command_value, u8 unit = 0) {
    task(static_cast<u8>(0xE0 | unit << 4 | sector >> 24), count, static_cast<u8>(sector), static_cast<u8>(sector >> 8),
         static_cast<u8>(sector >> 16));
    command(command_value);
  }
  void lba48(u64 sector, u16 count, u8 command_value) {
    task(0xE0, static_cast<u8>(count >> 8), static_cast<u8>(sector >> 24), static_cast<u8>(sector >> 32),
         static_cast<u8>(sector >> 40));
    task(0xE0, static_cast<u8>(count), static_cast<u8>(sector), static_cast<u8>(sector >> 8),
         static_cast<u8>(sector >> 16));
    command(command_value);
  }
  std::vector<u8> read_data(std::size_t bytes = 512) {
    std::vector<u8> data(bytes);
    for (std::size_t i = 0; i + 1 < bytes; i += 2) store<u16>(&data[i], static_cast<u16>(ports.in(base, Width::word)));
    return data;
  }
  void write_data(std::span<const u8> data) {
    for (std::size_t i = 0; i + 1 < data.size(); i += 2) ports.out(base, Width::word, load<u16>(&data[i]));
  }
  u32 sector_number(const std::vector<u8>& data) { return load<u32>(data.data()); }

  // --- bus master: one region at 2000h described by a table at 1000h ---
  static constexpr u16 kBusMaster = 0xC000;
  void config(u8 offset, Width width, u32 value) { ide.config_write(offset, width, value); }
  void enable_bus_master() {
    config(0x20, Width::dword, kBusMaster);
    config(0x04, Width::word, 5);
  }
  void describe(u32 table, u32 index, u32 address, u32 bytes, bool last) {
    memory.store<u32>(PhysAddr(table + 8 * index), address);
    memory.store<u32>(PhysAddr(table + 8 * index + 4), (bytes & 0xFFFF) | (last ? 0x8000'0000 : 0));
  }
  void start_bus_master(u32 table, bool to_memory) {
    ports.out(kBusMaster + 4, Width::dword, table);
    out(kBusMaster + 2, 0x06);
    out(kBusMaster, to_memory ? 0x08 : 0x00);
    out(kBusMaster, to_memory ? 0x09 : 0x01);
  }
  u8 bus_master_status() { return in(kBusMaster + 2); }

  // --- ATAPI: a packet by PIO; the answer's bytes until the command ends ---
  void packet(std::span<const u8> bytes, u16 limit = 0xFFFE, u8 features = 0) {
    task(unit_bits, 0, 0, static_cast<u8>(limit), static_cast<u8>(limit >> 8), features);
    command(0xA0);
    std::array<u8, 12> full{};
    std::copy(bytes.begin(), bytes.end(), full.begin());
    write_data(full);
    settle();
  }
  std::vector<u8> answer() {
    std::vector<u8> all;
    while (alternate() & 0x08) {
      const std::size_t count = in(base + 4) | in(base + 5) << 8;
      const std::vector<u8> block = read_data((count + 1) & ~std::size_t{1});
      all.insert(all.end(), block.begin(), block.begin() + static_cast<std::ptrdiff_t>(count));
      settle();
    }
    return all;
  }
  std::vector<u8> ask(std::initializer_list<u8> bytes, u16 limit = 0xFFFE) {
    packet(std::vector<u8>(bytes), limit);
    return answer();
  }
  // Key and code of the last failure, as REQUEST SENSE tells: key << 8 | ASC.
  u32 sense() {
    const std::vector<u8> data = ask({0x03, 0, 0, 0, 18, 0});
    return data.size() == 18 ? (data[2] & 15u) << 8 | data[12] : ~0u;
  }

  u16 base = 0x1F0;
  u16 control = 0x3F6;
  u8 unit_bits = 0xA0;
  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{1 << 20, trace};
  ManualClock clock;
  RecordingLine irq14, irq15;
  PciBus pci{ports, memory, trace, [](unsigned, bool) {}, [](ResetRequest) {}};
  IdeController ide{irq14, irq15, memory, clock, trace};
};

}  // namespace penumbra
