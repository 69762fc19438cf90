// Names of emitted code for Linux' perf, which reads /tmp/perf-PID.map when it reports.
#pragma once

#include <cstdio>
#include <memory>
#include <string_view>

#include "core/base/types.h"

namespace penumbra {

class PerfMap {
 public:
  // Throws HostError.
  PerfMap();

  // `host` is where the code is executed. Only buffered: perf reads the file after the run.
  void add(u64 host, u64 bytes, std::string_view name);
  // Code was dropped and its addresses will be used again: what perf is told is what stands there at the end.
  void clear();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

}  // namespace penumbra
