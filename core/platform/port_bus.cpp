// Claims and the splitting of wide accesses.
#include "core/platform/port_bus.h"

#include "core/base/check.h"

namespace penumbra {

PortBus::PortBus(Trace& trace) : trace_(trace), claims_(std::make_unique<std::array<Claim, 65536>>()) {}
PortBus::~PortBus() = default;

void PortBus::claim(PortRange range, PortHandler& handler, Width widest) {
  CHECK_THAT(try_claim(range, handler, widest), "ports {:04x}-{:04x} are claimed twice", range.first, range.last);
}

bool PortBus::try_claim(PortRange range, PortHandler& handler, Width widest) {
  for (u32 port = range.first; port <= range.last; ++port)
    if ((*claims_)[port].handler) return false;
  for (u32 port = range.first; port <= range.last; ++port) (*claims_)[port] = {&handler, widest};
  return true;
}

void PortBus::release(PortRange range, const PortHandler& handler) {
  for (u32 port = range.first; port <= range.last; ++port)
    if ((*claims_)[port].handler == &handler) (*claims_)[port] = {};
}

bool PortBus::whole(u16 port, Width width) const {
  const Claim& first = (*claims_)[port];
  if (bytes_of(width) > bytes_of(first.widest)) return width == Width::byte;
  const u32 last = port + bytes_of(width) - 1u;
  return last < claims_->size() && (*claims_)[last].handler == first.handler;
}

u32 PortBus::in(u16 port, Width width) {
  u32 value = 0;
  if (whole(port, width)) {
    PortHandler* handler = (*claims_)[port].handler;
    value = handler ? handler->port_in(port, width) & all_ones(width) : all_ones(width);
    trace_.line(Channel::ports, "in  {:04x}.{} -> {:0{}x}", port, bytes_of(width), value, bytes_of(width) * 2);
    return value;
  }
  const Width half = width == Width::dword ? Width::word : Width::byte;
  value = in(port, half);
  return value | in(static_cast<u16>(port + bytes_of(half)), half) << (8 * bytes_of(half));
}

void PortBus::out(u16 port, Width width, u32 value) {
  if (whole(port, width)) {
    value &= all_ones(width);
    trace_.line(Channel::ports, "out {:04x}.{} <- {:0{}x}", port, bytes_of(width), value, bytes_of(width) * 2);
    if (PortHandler* handler = (*claims_)[port].handler) handler->port_out(port, width, value);
    return;
  }
  const Width half = width == Width::dword ? Width::word : Width::byte;
  out(port, half, value & all_ones(half));
  out(static_cast<u16>(port + bytes_of(half)), half, value >> (8 * bytes_of(half)));
}

}  // namespace penumbra
