// Reading files whole.
#include "core/machine/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/base/error.h"

namespace penumbra {

namespace {

struct OpenFile {
  int number;
  ~OpenFile() {
    if (number >= 0) close(number);
  }
};

}  // namespace

std::vector<u8> read_file(const std::string& path, std::string_view expected, u64 most) {
  const auto refuse = [&](std::string_view why) {
    return ConfigError(fmt::format("{}: {}; expected {}", path, why, expected));
  };
  const OpenFile file{open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (file.number < 0) throw refuse(std::strerror(errno));
  struct stat status;
  if (fstat(file.number, &status) != 0) throw refuse(std::strerror(errno));
  if (S_ISDIR(status.st_mode)) throw refuse("is a directory");
  std::vector<u8> bytes;
  u8 buffer[1 << 16];
  while (true) {
    const ssize_t count = read(file.number, buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw refuse(std::strerror(errno));
    if (count == 0) break;
    bytes.insert(bytes.end(), buffer, buffer + count);
    if (bytes.size() > most) throw refuse(fmt::format("is larger than {} bytes", most));
  }
  if (bytes.empty()) throw refuse("is empty");
  return bytes;
}

}  // namespace penumbra
