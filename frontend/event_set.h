// The files whose readiness wakes a sleeping guest, as one file that can itself be waited for (epoll).
#pragma once

#include <map>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

struct Interest {
  int file;
  bool read;
  bool write;
};

class EventSet {
 public:
  EventSet();  // throws HostError
  ~EventSet();
  EventSet(const EventSet&) = delete;
  EventSet& operator=(const EventSet&) = delete;

  // Becomes readable when one of the files is ready.
  int file() const { return epoll_; }

  // From now on these and no others. Files that cannot be waited for (regular files) are left out.
  void set(const std::vector<Interest>& interests);

  // Sleeps until one is ready or the time is over.
  void wait(Ticks at_most);

 private:
  int epoll_;
  std::map<int, u32> watched_;  // file -> epoll events
};

}  // namespace penumbra
