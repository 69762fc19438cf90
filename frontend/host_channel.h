// The host's end of a port: a byte stream that is read and written without ever waiting.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "frontend/channel_spec.h"
#include "frontend/event_set.h"
#include "frontend/socket_server.h"

namespace penumbra {

class HostChannel {
 public:
  virtual ~HostChannel() = default;
  // What has come in, as much as fits; 0 if nothing has.
  virtual std::size_t read(std::span<u8> to) = 0;
  // Takes what it can take now and answers how much that was.
  virtual std::size_t write(std::span<const u8> from) = 0;
  // True while nobody is there to take output, which is then dropped rather than kept.
  virtual bool nobody_listens() const { return false; }
  // True when the other side has left, or is not there yet.
  virtual bool hung_up() const { return nobody_listens(); }
  // The process goes on after a stop: a terminal's mode has to be set again.
  virtual void resumed() {}
  // Waiting for input if `reading`, for room if `writing`.
  virtual void interests(std::vector<Interest>& list, bool reading, bool writing) const = 0;
  // For people: where it is, if that is not known from the command line ("COM1 is /dev/pts/4").
  virtual std::string place() const { return {}; }
};

// Opens what a specification names; null for ChannelKind::null. Throws HostError.
std::unique_ptr<HostChannel> open_channel(const ChannelSpec& spec);
// The clients of a listening socket, one after the other.
std::unique_ptr<HostChannel> serve_channel(SocketServer server);

}  // namespace penumbra
