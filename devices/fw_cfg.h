// The firmware configuration channel: numbered items and named files that the board offers to firmware and guests.
// Source: "QEMU Firmware Configuration (fw_cfg) Device", docs/specs/fw_cfg of QEMU.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log.h"
#include "core/platform/device.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class GuestMemory;

class FwCfg final : public Device, PortHandler {
 public:
  FwCfg(PortBus& ports, GuestMemory& memory, Trace& trace);

  // --- contents: configuration, not state; set before the machine starts, kept over resets ---

  // An item under a fixed key (below 20h, or from 8000h for what only a PC has); a second one replaces the first.
  void add_item(u16 key, std::vector<u8> bytes);
  void add_u16(u16 key, u16 value);
  void add_u32(u16 key, u32 value);
  void add_u64(u16 key, u64 value);
  // A file of at most 55 characters' name; a second one of the name replaces the first. Throws ConfigError if the name
  // is too long or the directory full.
  void add_file(std::string_view name, std::vector<u8> bytes);

  std::string_view name() const override { return "fw-cfg"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;
  void select(u16 key);
  const std::vector<u8>* selected() const;
  u8 next_byte();
  void transfer(u64 descriptor);
  void read_to_memory(u64 address, u32 length);
  void write_directory();

  GuestMemory& memory_;
  Trace& trace_;
  std::map<u16, std::vector<u8>> items_;
  std::vector<std::string> files_;  // in the order of their keys, from 20h

  u16 key_ = 0;
  u32 offset_ = 0;  // into the item; stands still at its end
  u32 dma_address_high_ = 0;
};

}  // namespace penumbra
