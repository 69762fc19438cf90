// Machine memory: the guest's private memory file, mapped whole, and lazily allocated host arrays of the same kind.
#pragma once

#include <span>

#include "core/base/types.h"

namespace penumbra {

// A file of that many bytes that only this process knows: a memfd, or, on a host without them, an unlinked temporary
// file, which a line on the standard error says once. Throws HostError; `purpose` begins its text.
int open_memory_file(const char* name, u64 bytes, const char* purpose);
// The second of the two ways, whatever the host has.
int open_unlinked_file(u64 bytes, const char* purpose);

// A memory file mapped once, read and write. Pages cost host memory only when touched.
class MachineMemory {
 public:
  // Throws HostError.
  explicit MachineMemory(u64 bytes);
  ~MachineMemory();
  MachineMemory(const MachineMemory&) = delete;
  MachineMemory& operator=(const MachineMemory&) = delete;

  u8* data() const { return data_; }
  u64 size() const { return bytes_; }
  int file() const { return file_; }
  // Host memory that the file really holds now, in bytes.
  u64 resident() const;
  // Gives a page range's host memory back at once; it reads as zeros afterwards.
  void release(u64 first, u64 bytes);
  // Calls `visit(offset, bytes)` for each run that holds data, without allocating the holes in between.
  template <class Visit>
  void for_each_data(Visit visit) const {
    for (u64 at = 0, count = 0; next_data(at, count); at += count) visit(at, std::span<const u8>(data_ + at, count));
  }

 private:
  bool next_data(u64& at, u64& count) const;

  u64 bytes_;
  int file_ = -1;
  u8* data_ = nullptr;
};

// Zeroed host memory of `count` elements that is allocated page by page on first touch.
void* reserve_host_pages(u64 bytes);
void release_host_pages(void* pages, u64 bytes);

template <class T>
class HostPages {
 public:
  explicit HostPages(u64 count) : count_(count), data_(static_cast<T*>(reserve_host_pages(count * sizeof(T)))) {}
  ~HostPages() { release_host_pages(data_, count_ * sizeof(T)); }
  HostPages(const HostPages&) = delete;
  HostPages& operator=(const HostPages&) = delete;

  T& operator[](u64 i) const { return data_[i]; }
  u64 size() const { return count_; }

 private:
  u64 count_;
  T* data_;
};

}  // namespace penumbra
