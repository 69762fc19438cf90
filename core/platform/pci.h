// What a PCI device derives from: one function's configuration space, the windows it decodes, and its interrupt pin.
// Source: PCI Local Bus Specification 2.1, chapter 6.
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/state.h"
#include "core/base/types.h"
#include "core/platform/port_bus.h"

namespace penumbra {

class MmioHandler;
class PciFunction;

// The bus as its functions see it.
class PciHost {
 public:
  virtual ~PciHost() = default;
  // Where some window should stand has changed.
  virtual void windows_changed() = 0;
  // The function's INTx# pin has changed; `function.interrupt()` is its level.
  virtual void interrupt_changed(PciFunction& function) = 0;
};

struct PciIdentity {
  u16 vendor;
  u16 device;
  u32 class_code;  // base class, subclass and programming interface: 010180h is an IDE controller
  u8 revision = 0;
  u8 interrupt_pin = 0;  // 0: none, 1: INTA# ... 4: INTD#
  bool multifunction = false;
  // SeaBIOS takes the board for the one it knows by these two.
  u16 subsystem_vendor = 0x1AF4;
  u16 subsystem = 0x1100;
};

// A range of ports or addresses that a function decodes where the guest puts it: a base address register, the
// expansion ROM, or a chip's own base register. Exactly one of the four backings is set.
struct PciWindow {
  u32 bytes = 0;  // 0: no window; I/O: a power of two; memory: a power of two from 4096
  PortHandler* ports = nullptr;
  Width widest = Width::byte;  // of `ports`
  MmioHandler* registers = nullptr;
  std::span<u8> memory;
  std::span<const u8> rom;

  std::optional<u32> wanted;     // where the guest put it, if it is decoded at all
  std::optional<u32> mapped_at;  // where the host could map it: nowhere if something else stands there
};

// Derive from it beside Device, declare registers and windows in the constructor, call `reset_pci` and `visit_pci`.
class PciFunction {
 public:
  static constexpr unsigned kBars = 6;
  static constexpr unsigned kRomWindow = 6;
  static constexpr u8 kCommand = 0x04;
  static constexpr u8 kStatus = 0x06;
  static constexpr u8 kFirstBar = 0x10;
  static constexpr u8 kRomBar = 0x30;
  static constexpr u8 kInterruptLine = 0x3C;
  static constexpr u16 kIoEnable = 1;
  static constexpr u16 kMemoryEnable = 2;
  static constexpr u16 kMasterEnable = 4;

  virtual ~PciFunction() = default;
  PciFunction(const PciFunction&) = delete;
  PciFunction& operator=(const PciFunction&) = delete;

  // Called once by the bus.
  void connect(PciHost& host) { host_ = &host; }
  // `offset` plus the width is at most 256.
  u32 config_read(u8 offset, Width width) const;
  void config_write(u8 offset, Width width, u32 value);

  bool interrupt() const { return interrupt_; }
  u8 interrupt_pin() const { return config_[0x3D]; }
  // All windows by index: 0-5 the BARs, 6 the expansion ROM, then the chip's own. For the host.
  std::vector<PciWindow>& windows() { return windows_; }
  // The host's word that a window now stands elsewhere.
  void window_mapped(unsigned index, std::optional<u32> at);

 protected:
  explicit PciFunction(const PciIdentity& identity);

  // --- declarations, for constructors ---

  // A register: its value after reset, its writable bits, and those that a written 1 clears.
  void declare(u8 offset, Width width, u32 reset_value, u32 writable, u32 cleared_by_one = 0);
  // Handlers get absolute ports and addresses; `window_base` helps to make them relative.
  void declare_io_bar(unsigned index, u32 bytes, PortHandler& ports, Width widest = Width::byte);
  void declare_register_bar(unsigned index, u32 bytes, MmioHandler& registers);
  // A frame buffer or the like, prefetchable; its size is a power of two, and it must outlive the function.
  void declare_memory_bar(unsigned index, std::span<u8> memory);
  // The expansion ROM's image; it must outlive the function.
  void declare_rom(std::span<const u8> image);
  // A window with a base register of the chip's own, moved by `place_window`. Answers its index.
  unsigned declare_io_window(u32 bytes, PortHandler& ports, Width widest = Width::byte);

  // --- at run time ---

  void reset_pci();
  // Saves configuration space, the pin, and where the chip's own windows should stand.
  void visit_pci(State& state);
  void set_interrupt(bool level);
  void place_window(unsigned index, std::optional<u32> base);
  // Where the window stands now; only meaningful while it is mapped.
  u32 window_base(unsigned index) const { return windows_[index].mapped_at.value_or(0); }
  bool bus_master() const { return command() & kMasterEnable; }
  u16 command() const { return static_cast<u16>(config_[kCommand] | config_[kCommand + 1] << 8); }
  // Changes a register past its writable mask: status bits, for the most part.
  void set_config(u8 offset, Width width, u32 value);
  // Changes a register's writable bits, for registers that can be locked.
  void set_writable(u8 offset, Width width, u32 mask);
  u8 config_byte(u8 offset) const { return config_[offset]; }

  // Hooks: bytes first..last of configuration space were written (after masking); a window moved, appeared or went.
  virtual void config_written(u8 /*first*/, u8 /*last*/) {}
  virtual void bar_changed(unsigned /*index*/) {}

 private:
  // Recomputes where BARs and ROM should stand; tells the host if that changed anything.
  void update_windows();
  std::optional<u32> decoded_bar(unsigned index) const;
  u32 config_dword(u8 offset) const;
  PciWindow& declare_bar(unsigned index, u32 bytes, u32 type_bits);

  std::array<u8, 256> config_{};
  std::array<u8, 256> after_reset_{};
  std::array<u8, 256> writable_{};
  std::array<u8, 256> cleared_by_one_{};
  std::vector<PciWindow> windows_ = std::vector<PciWindow>(kRomWindow + 1);
  bool interrupt_ = false;
  PciHost* host_ = nullptr;
};

}  // namespace penumbra
