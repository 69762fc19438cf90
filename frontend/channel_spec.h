// Where a guest's port leads on the host, as the command line says it.
#pragma once

#include <string>
#include <string_view>

#include "core/base/types.h"

namespace penumbra {

enum class ChannelKind : u8 { null, stdio, file, pty, unix_socket };

struct ChannelSpec {
  ChannelKind kind = ChannelKind::null;
  std::string path{};   // file, unix_socket
  bool escape = false;  // stdio: Ctrl-A is Penumbra's, Ctrl-C the guest's ("mon:stdio")
};

// "stdio", "mon:stdio", "file:PATH", "pty", "unix:PATH" (also with QEMU's ",server,nowait"), "null" or "none".
// Throws ConfigError.
ChannelSpec parse_channel(std::string_view text);

}  // namespace penumbra
