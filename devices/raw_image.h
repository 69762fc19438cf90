// A disk, floppy or CD image that is the medium's bytes and nothing else: a file, or a block device of the host.
#pragma once

#include "core/platform/block_device.h"

namespace penumbra {

enum class ImageAccess : u8 { read_only, read_write };

// The image holds an advisory lock (flock) while it is open: shared for reading, exclusive for writing, so that two
// guests never write one image. Every write is handed to the host's kernel before `write` returns, so the end of this
// process loses nothing; `flush` is fdatasync.
//
// A file whose size is no multiple of 512 is padded: `bytes()` is rounded up, the missing bytes read as zeros, and a
// write into the last sector makes the file that much longer.
class RawImage final : public BlockDevice {
 public:
  // Throws ConfigError where `path` is not an image that can be attached (missing, a directory, empty, no permission,
  // locked by someone else), HostError where the host fails at something that should work.
  RawImage(const std::string& path, ImageAccess access);
  ~RawImage() override;
  RawImage(const RawImage&) = delete;
  RawImage& operator=(const RawImage&) = delete;

  u64 bytes() const override { return bytes_; }
  bool read_only() const override { return access_ == ImageAccess::read_only; }
  const std::string& path() const override { return path_; }
  bool read(u64 offset, std::span<u8> to) override;
  bool write(u64 offset, std::span<const u8> from) override;
  bool flush() override;

 private:
  void open_file();
  void measure();
  void lock();
  bool inside(u64 offset, u64 count) const { return count <= bytes_ && offset <= bytes_ - count; }
  // Tells the person why a request failed, once in a row of failures, and answers false.
  bool failed(const char* what, u64 offset, int error);

  std::string path_;
  ImageAccess access_;
  int file_ = -1;
  u64 file_bytes_ = 0;  // without the padding; grows when the padding is written
  u64 bytes_ = 0;
  bool failing_ = false;
};

}  // namespace penumbra
