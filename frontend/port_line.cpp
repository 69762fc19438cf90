// Moving bytes between a guest port and a host channel.
#include "frontend/port_line.h"

#include <algorithm>
#include <chrono>

namespace penumbra {

PortLine::PortLine(std::string name, CharacterPort& port, std::unique_ptr<HostChannel> channel)
    : name_(std::move(name)), port_(port), channel_(std::move(channel)) {
  port_.send_to([this](u8 byte) {
    log_.add(byte);
    queue(byte);
    // Whoever reads lines gets each as it ends, not when the session next looks.
    if (byte == '\n') send();
  });
}

PortLine::~PortLine() { port_.send_to({}); }

void PortLine::queue(u8 byte) {
  if (!channel_ || channel_->nobody_listens()) return;
  to_host_.push_back(byte);
  if (to_host_.size() - sent_ > kQueued) {
    ++sent_;
    ++dropped_;
  }
}

void PortLine::send() {
  if (!channel_) return;
  while (sent_ < to_host_.size()) {
    const std::size_t taken = channel_->write(std::span(to_host_).subspan(sent_));
    sent_ += taken;
    if (taken == 0) break;
  }
  if (sent_ == to_host_.size() || channel_->nobody_listens()) {
    to_host_.clear();
    sent_ = 0;
  } else if (sent_ > kQueued) {
    to_host_.erase(to_host_.begin(), to_host_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
  }
}

void PortLine::pump() {
  send();
  std::size_t room = port_.room();
  // Input is read while the guest takes it; with a filter always, since it may be for us.
  if (channel_ && to_guest_.empty()) {
    u8 buffer[4096];
    const std::size_t wanted = filter_ ? sizeof buffer : std::min(sizeof buffer, room);
    const std::size_t count = channel_->read({buffer, wanted});
    if (filter_) {
      const std::vector<u8> passed = filter_({buffer, count});
      to_guest_.insert(to_guest_.end(), passed.begin(), passed.end());
    } else {
      to_guest_.insert(to_guest_.end(), buffer, buffer + count);
    }
  }
  while (!to_guest_.empty() && (room = port_.room()) > 0) {
    const std::size_t count = std::min(room, to_guest_.size());
    const std::vector<u8> bytes(to_guest_.begin(), to_guest_.begin() + static_cast<std::ptrdiff_t>(count));
    port_.receive(bytes);
    to_guest_.erase(to_guest_.begin(), to_guest_.begin() + static_cast<std::ptrdiff_t>(count));
  }
}

void PortLine::drain(Ticks at_most) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::nanoseconds(at_most.value);
  EventSet events;
  for (pump(); channel_ && sent_ < to_host_.size() && std::chrono::steady_clock::now() < end; pump()) {
    std::vector<Interest> list;
    channel_->interests(list, false, true);
    events.set(list);
    events.wait(milliseconds(20));
  }
}

bool PortLine::type(std::string_view bytes) {
  if (!to_guest_.empty()) return false;
  to_guest_.insert(to_guest_.end(), bytes.begin(), bytes.end());
  return true;
}

void PortLine::print(std::string_view text) {
  for (const char c : text) queue(static_cast<u8>(c));
}

void PortLine::interests(std::vector<Interest>& list) const {
  if (!channel_) return;
  channel_->interests(list, to_guest_.empty() && (filter_ || port_.room() > 0), sent_ < to_host_.size());
}

}  // namespace penumbra
