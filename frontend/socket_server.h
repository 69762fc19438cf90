// A listening socket that serves one client at a time.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "frontend/event_set.h"
#include "frontend/file_descriptor.h"

namespace penumbra {

class SocketServer {
 public:
  // A Unix socket at `path`. One that a dead process left there is replaced; anything else there is an error.
  // Throws HostError.
  static SocketServer at_path(const std::string& path);
  // A TCP socket; port 0 takes a free one. Throws HostError.
  static SocketServer at_port(const std::string& host, u16 port);

  SocketServer(SocketServer&&) noexcept = default;
  SocketServer& operator=(SocketServer&&) = delete;
  ~SocketServer();

  bool connected() const { return client_.open(); }
  // Accepts a client if one waits and none is there. True if there is a new one.
  bool accept();
  void disconnect() { client_.close(); }

  // None of these wait. An ended connection is closed.
  std::size_t read(std::span<u8> to);
  std::size_t write(std::span<const u8> from);

  void interests(std::vector<Interest>& list, bool reading, bool writing) const;
  // "unix:PATH" or "HOST:PORT".
  const std::string& place() const { return place_; }

 private:
  SocketServer(FileDescriptor listener, std::string place, std::string unlink_path)
      : listener_(std::move(listener)), place_(std::move(place)), unlink_path_(std::move(unlink_path)) {}

  FileDescriptor listener_;
  FileDescriptor client_;
  std::string place_;
  std::string unlink_path_;
};

}  // namespace penumbra
