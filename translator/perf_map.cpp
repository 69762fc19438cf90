// Lines of "START SIZE name", in hexadecimal.
#include "translator/perf_map.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"

namespace penumbra {

PerfMap::PerfMap() {
  const std::string path = fmt::format("/tmp/perf-{}.map", getpid());
  file_.reset(std::fopen(path.c_str(), "w"));
  if (!file_) throw host_error(path);
}

void PerfMap::add(u64 host, u64 bytes, std::string_view name) {
  fmt::print(file_.get(), "{:x} {:x} {}\n", host, bytes, name);
}

void PerfMap::clear() {
  std::rewind(file_.get());  // writes out what is buffered
  if (ftruncate(fileno(file_.get()), 0) != 0) throw host_error("the map for perf");
}

}  // namespace penumbra
