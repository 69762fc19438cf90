// Channels to standard input and output, files, pseudo terminals and Unix sockets.
#include "frontend/host_channel.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "core/base/error.h"
#include "frontend/file_descriptor.h"
#include "frontend/terminal.h"

namespace penumbra {

namespace {

bool ready(int file, short events) {
  pollfd entry{file, events, 0};
  return poll(&entry, 1, 0) > 0;
}

// Standard input and output are shared with whoever started us, so they stay in blocking mode: we ask before we read
// or write. A terminal is opened anew for output, since "ready" there does not promise room for more than one byte.
class StdioChannel final : public HostChannel {
 public:
  explicit StdioChannel(TerminalKeys keys) : terminal_(STDIN_FILENO, keys) {
    if (const char* name = isatty(STDOUT_FILENO) ? ttyname(STDOUT_FILENO) : nullptr)
      own_output_ = FileDescriptor(open(name, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  }

  std::size_t read(std::span<u8> to) override {
    if (ended_ || to.empty() || !ready(STDIN_FILENO, POLLIN)) return 0;
    const ssize_t count = ::read(STDIN_FILENO, to.data(), to.size());
    if (count > 0) return static_cast<std::size_t>(count);
    // A background process that reads its terminal gets EIO; that may pass, an end of file does not.
    if (count == 0 || (errno != EAGAIN && errno != EINTR && errno != EIO)) ended_ = true;
    return 0;
  }

  std::size_t write(std::span<const u8> from) override {
    if (broken_) return from.size();
    if (!ready(output(), POLLOUT)) return 0;
    const ssize_t count = ::write(output(), from.data(), std::min<std::size_t>(from.size(), PIPE_BUF));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno != EAGAIN && errno != EINTR) broken_ = true;
    return 0;
  }

  bool nobody_listens() const override { return broken_; }
  bool hung_up() const override { return broken_ || ended_; }
  void resumed() override { terminal_.renew(); }
  void interests(std::vector<Interest>& list, bool reading, bool writing) const override {
    if (reading && !ended_) list.push_back({STDIN_FILENO, true, false});
    if (writing && !broken_) list.push_back({output(), false, true});
  }

 private:
  int output() const { return own_output_.open() ? own_output_.number() : STDOUT_FILENO; }

  RawTerminal terminal_;
  FileDescriptor own_output_;
  bool ended_ = false;
  bool broken_ = false;
};

class FileChannel final : public HostChannel {
 public:
  explicit FileChannel(const std::string& path)
      : path_(path), file_(open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666)) {
    if (!file_.open()) throw host_error(path);
  }

  std::size_t read(std::span<u8>) override { return 0; }

  std::size_t write(std::span<const u8> from) override {
    if (broken_) return from.size();
    if (!ready(file_.number(), POLLOUT)) return 0;  // a FIFO or a device
    const ssize_t count = ::write(file_.number(), from.data(), std::min<std::size_t>(from.size(), PIPE_BUF));
    if (count >= 0) return static_cast<std::size_t>(count);
    if (errno == EAGAIN || errno == EINTR) return 0;
    fmt::print(stderr, "penumbra: {}; the rest of this output is lost\n", host_error(path_).what());
    broken_ = true;
    return 0;
  }

  bool nobody_listens() const override { return broken_; }
  void interests(std::vector<Interest>& list, bool, bool writing) const override {
    if (writing && !broken_) list.push_back({file_.number(), false, true});
  }

 private:
  std::string path_;
  FileDescriptor file_;
  bool broken_ = false;
};

class PtyChannel final : public HostChannel {
 public:
  PtyChannel() : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)) {
    if (!master_.open() || grantpt(master_.number()) != 0 || unlockpt(master_.number()) != 0) throw host_error("pty");
    char name[64];
    if (ptsname_r(master_.number(), name, sizeof name) != 0) throw host_error("pty");
    name_ = name;
    // Held open, so that the master does not report a hangup while nobody else has it, and set raw, so that what the
    // guest writes is not echoed back to it.
    slave_ = FileDescriptor(open(name, O_RDWR | O_NOCTTY | O_CLOEXEC));
    if (!slave_.open()) throw host_error(name_);
    termios settings{};
    tcgetattr(slave_.number(), &settings);
    cfmakeraw(&settings);
    tcsetattr(slave_.number(), TCSANOW, &settings);
  }

  std::size_t read(std::span<u8> to) override {
    const ssize_t count = ::read(master_.number(), to.data(), to.size());
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  std::size_t write(std::span<const u8> from) override {
    const ssize_t count = ::write(master_.number(), from.data(), from.size());
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void interests(std::vector<Interest>& list, bool reading, bool writing) const override {
    list.push_back({master_.number(), reading, writing});
  }
  std::string place() const override { return name_; }

 private:
  FileDescriptor master_;
  FileDescriptor slave_;
  std::string name_;
};

class SocketChannel final : public HostChannel {
 public:
  explicit SocketChannel(SocketServer server) : server_(std::move(server)) {}

  std::size_t read(std::span<u8> to) override {
    server_.accept();
    return server_.read(to);
  }
  std::size_t write(std::span<const u8> from) override {
    server_.accept();
    return server_.write(from);
  }
  bool nobody_listens() const override { return !server_.connected(); }
  void interests(std::vector<Interest>& list, bool reading, bool writing) const override {
    server_.interests(list, reading, writing);
  }
  std::string place() const override { return server_.place(); }

 private:
  SocketServer server_;
};

}  // namespace

std::unique_ptr<HostChannel> serve_channel(SocketServer server) {
  return std::make_unique<SocketChannel>(std::move(server));
}

std::unique_ptr<HostChannel> open_channel(const ChannelSpec& spec) {
  switch (spec.kind) {
    case ChannelKind::null: return nullptr;
    case ChannelKind::stdio:
      return std::make_unique<StdioChannel>(spec.escape ? TerminalKeys::all_to_guest : TerminalKeys::signals_to_us);
    case ChannelKind::file: return std::make_unique<FileChannel>(spec.path);
    case ChannelKind::pty: return std::make_unique<PtyChannel>();
    case ChannelKind::unix_socket: return serve_channel(SocketServer::at_path(spec.path));
  }
  return nullptr;
}

}  // namespace penumbra
