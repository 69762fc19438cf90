// Memory files and lazily allocated arrays, by memfd and mmap.
#include "mmu/machine_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/error.h"

namespace penumbra {

MachineMemory::MachineMemory(u64 bytes) : bytes_(bytes) {
  file_ = memfd_create("penumbra-guest", MFD_CLOEXEC);
  if (file_ < 0) throw host_error("guest memory: memfd_create");
  if (ftruncate(file_, static_cast<off_t>(bytes)) != 0) {
    const HostError error = host_error(fmt::format("guest memory: {} bytes", bytes));
    close(file_);
    throw error;
  }
  void* at = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, file_, 0);
  if (at == MAP_FAILED) {
    const HostError error = host_error(fmt::format("guest memory: mapping {} bytes", bytes));
    close(file_);
    throw error;
  }
  data_ = static_cast<u8*>(at);
}

MachineMemory::~MachineMemory() {
  munmap(data_, bytes_);
  close(file_);
}

u64 MachineMemory::resident() const {
  struct stat status;
  return fstat(file_, &status) == 0 ? static_cast<u64>(status.st_blocks) * 512 : 0;
}

void MachineMemory::release(u64 first, u64 bytes) {
  if (fallocate(file_, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(first),
                static_cast<off_t>(bytes)) != 0)
    throw host_error("guest memory: releasing pages");
}

bool MachineMemory::next_data(u64& at, u64& count) const {
  const off_t data = lseek(file_, static_cast<off_t>(at), SEEK_DATA);
  if (data < 0) return false;
  const off_t hole = lseek(file_, data, SEEK_HOLE);
  at = static_cast<u64>(data);
  count = hole < 0 ? bytes_ - at : static_cast<u64>(hole) - at;
  return count != 0;
}

void* reserve_host_pages(u64 bytes) {
  void* at = mmap(nullptr, std::max<u64>(bytes, 1), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
  if (at == MAP_FAILED) throw host_error(fmt::format("mapping {} bytes", bytes));
  return at;
}

void release_host_pages(void* pages, u64 bytes) { munmap(pages, std::max<u64>(bytes, 1)); }

}  // namespace penumbra
