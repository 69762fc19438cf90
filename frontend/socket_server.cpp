// Unix and TCP listeners.
#include "frontend/socket_server.h"

#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>
#include <memory>

#include "core/base/error.h"

namespace penumbra {

namespace {

constexpr int kSocketFlags = SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC;

// Removes a socket file nobody listens on.
void remove_dead_socket(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return;
  if (!S_ISSOCK(status.st_mode)) throw HostError(fmt::format("unix:{}: there is a file of that name", path));
  const FileDescriptor probe(socket(AF_UNIX, kSocketFlags, 0));
  if (connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0)
    throw HostError(fmt::format("unix:{}: another process listens there", path));
  if (errno == ECONNREFUSED) unlink(path.c_str());
}

}  // namespace

SocketServer SocketServer::at_path(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    throw HostError(
        fmt::format("unix:{}: a socket's path has at most {} characters", path, sizeof address.sun_path - 1));
  std::memcpy(address.sun_path, path.data(), path.size());
  remove_dead_socket(path, address);

  FileDescriptor listener(socket(AF_UNIX, kSocketFlags, 0));
  if (!listener.open() || bind(listener.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener.number(), 1) != 0)
    throw host_error("unix:" + path);
  return {std::move(listener), "unix:" + path, path};
}

SocketServer SocketServer::at_port(const std::string& host, u16 port) {
  const std::string place = fmt::format("{}:{}", host, port);
  addrinfo hints{};
  hints.ai_flags = AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int error = getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found); error != 0)
    throw HostError(fmt::format("{}: {}", place, gai_strerror(error)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owner(found, freeaddrinfo);

  FileDescriptor listener(socket(found->ai_family, kSocketFlags, 0));
  const int yes = 1;
  if (listener.open()) setsockopt(listener.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (!listener.open() || bind(listener.number(), found->ai_addr, found->ai_addrlen) != 0 ||
      listen(listener.number(), 1) != 0)
    throw host_error(place);

  sockaddr_storage bound{};
  socklen_t size = sizeof bound;
  getsockname(listener.number(), reinterpret_cast<sockaddr*>(&bound), &size);
  const u16 network_port = bound.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6&>(bound).sin6_port
                                                       : reinterpret_cast<sockaddr_in&>(bound).sin_port;
  return {std::move(listener), fmt::format("{}:{}", host, ntohs(network_port)), ""};
}

SocketServer::~SocketServer() {
  if (listener_.open() && !unlink_path_.empty()) unlink(unlink_path_.c_str());
}

bool SocketServer::accept() {
  if (connected()) return false;
  client_ = FileDescriptor(accept4(listener_.number(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!connected()) return false;
  const int yes = 1;
  setsockopt(client_.number(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // no such option on Unix sockets
  return true;
}

std::size_t SocketServer::read(std::span<u8> to) {
  if (!connected() || to.empty()) return 0;
  const ssize_t count = recv(client_.number(), to.data(), to.size(), MSG_DONTWAIT);
  if (count > 0) return static_cast<std::size_t>(count);
  if (count == 0 || (errno != EAGAIN && errno != EINTR)) disconnect();
  return 0;
}

std::size_t SocketServer::write(std::span<const u8> from) {
  if (!connected()) return 0;
  const ssize_t count = send(client_.number(), from.data(), from.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (count >= 0) return static_cast<std::size_t>(count);
  if (errno != EAGAIN && errno != EINTR) disconnect();
  return 0;
}

void SocketServer::interests(std::vector<Interest>& list, bool reading, bool writing) const {
  if (connected())
    list.push_back({client_.number(), reading, writing});
  else
    list.push_back({listener_.number(), true, false});
}

}  // namespace penumbra
