// The I/O port space: 65,536 byte-wide ports, claimed in ranges by handlers; wider accesses are split where they must
// be.
#pragma once

#include <array>
#include <memory>

#include "core/base/log.h"
#include "core/base/types.h"

namespace penumbra {

enum class Width : u8 { byte = 1, word = 2, dword = 4 };

constexpr unsigned bytes_of(Width width) { return static_cast<unsigned>(width); }
// All ones in that many bytes: what a bus answers where nobody is.
constexpr u32 all_ones(Width width) { return static_cast<u32>((u64{1} << (8 * bytes_of(width))) - 1); }

struct PortRange {
  u16 first;
  u16 last;  // inclusive
};

class PortHandler {
 public:
  virtual ~PortHandler() = default;
  virtual u32 port_in(u16 port, Width width) = 0;
  virtual void port_out(u16 port, Width width, u32 value) = 0;
};

class PortBus {
 public:
  explicit PortBus(Trace& trace);
  ~PortBus();

  // Gives a range to a handler. An access wider than `widest`, or one that leaves the claimed range, reaches handlers
  // as several narrower ones, lowest port first. Claiming a port twice is a wiring error (CHECK).
  void claim(PortRange range, PortHandler& handler, Width widest = Width::byte);
  // The same for ranges that a guest moves (PCI BARs): false, and nothing claimed, where any port is taken.
  bool try_claim(PortRange range, PortHandler& handler, Width widest);
  // Gives back what `handler` holds in the range.
  void release(PortRange range, const PortHandler& handler);

  u32 in(u16 port, Width width);
  void out(u16 port, Width width, u32 value);

 private:
  struct Claim {
    PortHandler* handler = nullptr;
    Width widest = Width::byte;
  };

  // True if one handler may take the access whole.
  bool whole(u16 port, Width width) const;

  Trace& trace_;
  std::unique_ptr<std::array<Claim, 65536>> claims_;
};

}  // namespace penumbra
