// Opening, locking and moving bytes of raw images.
#include "devices/raw_image.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "core/base/error.h"

namespace penumbra {

namespace {

constexpr u64 kSectorBytes = 512;

[[noreturn]] void refuse(const std::string& path, std::string_view reason) {
  throw ConfigError(fmt::format("{}: {}; expected a disk image file or a block device", path, reason));
}

}  // namespace

RawImage::RawImage(const std::string& path, ImageAccess access) : path_(path), access_(access) {
  open_file();
  try {
    measure();
    lock();
  } catch (...) {
    ::close(file_);
    throw;
  }
}

RawImage::~RawImage() { ::close(file_); }

void RawImage::open_file() {
  // Asked first, because opening a pipe would wait for its other end.
  struct stat status {};
  if (path_.empty()) refuse("(no name)", "an image's path is empty");
  if (::stat(path_.c_str(), &status) == 0) {
    if (S_ISDIR(status.st_mode)) refuse(path_, "is a directory");
    if (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode)) refuse(path_, "is not a file");
  }
  const int mode = access_ == ImageAccess::read_write ? O_RDWR : O_RDONLY;
  do file_ = ::open(path_.c_str(), mode | O_CLOEXEC);
  while (file_ < 0 && errno == EINTR);
  if (file_ >= 0) return;
  switch (errno) {
    case ENOENT:
    case ENOTDIR: refuse(path_, "does not exist");
    case EACCES:
    case EPERM:
    case EROFS:
    case ETXTBSY: {
      const bool readable = access_ == ImageAccess::read_write && ::access(path_.c_str(), R_OK) == 0;
      throw ConfigError(fmt::format("{}: {}; {}", path_, std::strerror(errno),
                                    readable
                                        ? "it can be read but not written: attach it read-only, or make it writable"
                                        : "expected an image that may be read"));
    }
    default: throw host_error(path_);
  }
}

void RawImage::measure() {
  struct stat status {};
  if (::fstat(file_, &status) != 0) throw host_error(path_);
  if (S_ISBLK(status.st_mode)) {
    const off_t end = ::lseek(file_, 0, SEEK_END);
    if (end < 0) throw host_error(fmt::format("{}: finding its size", path_));
    file_bytes_ = static_cast<u64>(end);
  } else {
    file_bytes_ = static_cast<u64>(status.st_size);
  }
  if (file_bytes_ == 0) refuse(path_, "is empty");
  bytes_ = (file_bytes_ + kSectorBytes - 1) / kSectorBytes * kSectorBytes;
}

void RawImage::lock() {
  const int kind = access_ == ImageAccess::read_write ? LOCK_EX : LOCK_SH;
  while (::flock(file_, kind | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno == EWOULDBLOCK)
      throw ConfigError(
          fmt::format("{}: is in use by another drive or program; an image that is written to belongs to "
                      "one drive only (several may share it read-only)",
                      path_));
    // A file system without locks (some network ones) can still hold images.
    if (errno == ENOLCK || errno == EOPNOTSUPP || errno == EINVAL || errno == ENOSYS) return;
    throw host_error(fmt::format("{}: locking it", path_));
  }
}

bool RawImage::read(u64 offset, std::span<u8> to) {
  if (!inside(offset, to.size())) return failed("read outside of the image", offset, 0);
  while (!to.empty() && offset < file_bytes_) {
    const auto wanted = static_cast<std::size_t>(std::min<u64>(to.size(), file_bytes_ - offset));
    const ssize_t done = ::pread(file_, to.data(), wanted, static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return failed("read", offset, errno);
    if (done == 0) return failed("read: the file has become shorter", offset, 0);
    to = to.subspan(static_cast<std::size_t>(done));
    offset += static_cast<u64>(done);
  }
  std::fill(to.begin(), to.end(), u8{0});  // the padding
  failing_ = false;
  return true;
}

bool RawImage::write(u64 offset, std::span<const u8> from) {
  if (read_only()) return failed("write to a read-only image", offset, 0);
  if (!inside(offset, from.size())) return failed("write outside of the image", offset, 0);
  while (!from.empty()) {
    const ssize_t done = ::pwrite(file_, from.data(), from.size(), static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR) continue;
    // A kernel that takes nothing without giving a reason would make this loop endless.
    if (done <= 0) return failed("write", offset, done < 0 ? errno : EIO);
    from = from.subspan(static_cast<std::size_t>(done));
    offset += static_cast<u64>(done);
    file_bytes_ = std::max(file_bytes_, offset);
  }
  failing_ = false;
  return true;
}

bool RawImage::flush() {
  if (read_only()) return true;
  while (::fdatasync(file_) != 0) {
    if (errno == EINTR) continue;
    if (errno == EINVAL || errno == EROFS) return true;  // nothing here that could be synchronized
    return failed("flush", 0, errno);
  }
  return true;
}

bool RawImage::failed(const char* what, u64 offset, int error) {
  if (!failing_) {
    const std::string reason = error ? fmt::format(": {}", std::strerror(error)) : std::string();
    fmt::print(stderr, "penumbra: {}: {} at byte {}{}\n", path_, what, offset, reason);
  }
  failing_ = true;
  return false;
}

}  // namespace penumbra
