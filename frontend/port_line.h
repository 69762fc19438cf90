// One guest port joined to its host channel: queues both ways, the log that --expect searches, and typed text.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/platform/character_port.h"
#include "frontend/host_channel.h"
#include "frontend/text_log.h"

namespace penumbra {

class PortLine {
 public:
  // More output than this waiting for a slow reader is dropped, oldest first: the guest never waits for the host.
  static constexpr std::size_t kQueued = 4 << 20;

  // Sees every byte from the host and answers what goes to the guest (an escape filter), given the room there is.
  using InputFilter = std::function<std::vector<u8>(std::span<const u8>)>;

  // `channel` may be null: then output is only logged. Takes the port's sink.
  PortLine(std::string name, CharacterPort& port, std::unique_ptr<HostChannel> channel);
  ~PortLine();
  PortLine(const PortLine&) = delete;
  PortLine& operator=(const PortLine&) = delete;

  void filter_input(InputFilter filter) { filter_ = std::move(filter); }

  // Moves what can be moved in both directions.
  void pump();
  // Only to the host.
  void send();
  // Waits until all output is out, but at most so long.
  void drain(Ticks at_most);

  // Text for the guest as if it came from the host; false, and nothing taken, while earlier text waits for room.
  bool type(std::string_view bytes);
  // Text for the host that is not the guest's (escape help, the monitor's answers).
  void print(std::string_view text);

  void interests(std::vector<Interest>& list) const;
  // Whether there may be input that has to wait until the guest has taken some: no file tells of that.
  bool guest_is_full() const { return channel_ && (!to_guest_.empty() || port_.room() == 0); }
  // The process goes on after a stop.
  void resumed() {
    if (channel_) channel_->resumed();
  }
  const std::string& name() const { return name_; }
  const TextLog& log() const { return log_; }
  std::string place() const { return channel_ ? channel_->place() : ""; }
  u64 dropped() const { return dropped_; }

 private:
  void queue(u8 byte);

  std::string name_;
  CharacterPort& port_;
  std::unique_ptr<HostChannel> channel_;
  InputFilter filter_;
  TextLog log_;
  std::deque<u8> to_guest_;
  std::vector<u8> to_host_;
  std::size_t sent_ = 0;  // how much of to_host_ is out already
  u64 dropped_ = 0;
};

}  // namespace penumbra
