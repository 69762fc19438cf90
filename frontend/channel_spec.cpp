// Parsing of channel specifications.
#include "frontend/channel_spec.h"

#include <fmt/format.h>

#include "core/base/error.h"
#include "frontend/suggest.h"
#include "frontend/values.h"

namespace penumbra {

namespace {

// We listen and never wait for a client, so QEMU's options that say so change nothing.
std::string socket_path(std::string_view text) {
  const std::vector<std::string_view> parts = split(text, ',');
  for (std::size_t i = 1; i < parts.size(); ++i)
    if (parts[i] != "server" && parts[i] != "nowait" && parts[i] != "server=on" && parts[i] != "wait=off")
      throw ConfigError(
          fmt::format("'{}': expected unix:PATH (Penumbra listens there and does not wait for a client)", text));
  return std::string(parts[0]);
}

}  // namespace

ChannelSpec parse_channel(std::string_view text) {
  constexpr std::string_view kWords[] = {"stdio", "mon:stdio", "pty", "null", "none", "file:", "unix:"};
  if (text == "stdio") return {.kind = ChannelKind::stdio};
  if (text == "mon:stdio") return {.kind = ChannelKind::stdio, .escape = true};
  if (text == "pty") return {.kind = ChannelKind::pty};
  if (text == "null" || text == "none") return {};
  if (text.starts_with("file:") && text.size() > 5)
    return {.kind = ChannelKind::file, .path = std::string(text.substr(5))};
  if (text.starts_with("unix:") && text.size() > 5)
    return {.kind = ChannelKind::unix_socket, .path = socket_path(text.substr(5))};
  throw ConfigError(fmt::format("'{}': expected stdio, mon:stdio, file:PATH, pty, unix:PATH or null{}", text,
                                did_you_mean(text, kWords)));
}

}  // namespace penumbra
