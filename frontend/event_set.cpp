// Keeping an epoll set equal to a list of interests.
#include "frontend/event_set.h"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "core/base/error.h"

namespace penumbra {

EventSet::EventSet() : epoll_(epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) throw host_error("epoll_create1");
}

EventSet::~EventSet() { close(epoll_); }

void EventSet::set(const std::vector<Interest>& interests) {
  std::map<int, u32> wanted;
  for (const Interest& interest : interests) {
    const u32 events = (interest.read ? u32{EPOLLIN} : 0) | (interest.write ? u32{EPOLLOUT} : 0);
    if (events != 0) wanted[interest.file] |= events;
  }
  if (wanted == watched_) return;
  for (const auto& [file, events] : watched_)
    if (!wanted.contains(file)) epoll_ctl(epoll_, EPOLL_CTL_DEL, file, nullptr);
  for (const auto& [file, events] : wanted) {
    epoll_event event{};
    event.events = events;
    event.data.fd = file;
    // A closed file leaves the set by itself, so one that was there may have to be added again.
    if (epoll_ctl(epoll_, EPOLL_CTL_MOD, file, &event) != 0) epoll_ctl(epoll_, EPOLL_CTL_ADD, file, &event);
  }
  watched_ = std::move(wanted);
}

void EventSet::wait(Ticks at_most) {
  pollfd entry{epoll_, POLLIN, 0};
  poll(&entry, 1, static_cast<int>(at_most.value / 1'000'000));
}

}  // namespace penumbra
