// Parsing of --gdb.
#include "frontend/gdb_spec.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "frontend/values.h"

namespace penumbra {

GdbSpec parse_gdb(std::string_view text) {
  GdbSpec spec;
  std::string_view where = text;
  if (where.ends_with(",nowait")) {
    where.remove_suffix(7);
    spec.wait = false;
  }
  if (where == "stdio") {
    spec.stdio = true;
    return spec;
  }
  if (where.starts_with("unix:") && where.size() > 5) {
    spec.unix_path = where.substr(5);
    return spec;
  }
  if (where.starts_with("tcp:")) where.remove_prefix(4);
  if (const std::size_t colon = where.rfind(':'); colon != std::string_view::npos) {
    if (colon > 0) spec.host = where.substr(0, colon);
    where.remove_prefix(colon + 1);
  }
  try {
    spec.port = static_cast<u16>(parse_number(where, 0, 65535));
  } catch (const ConfigError&) {
    throw ConfigError(fmt::format("'{}': expected :PORT, HOST:PORT, unix:PATH or stdio", text));
  }
  return spec;
}

}  // namespace penumbra
