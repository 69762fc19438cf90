// Memory files and lazily allocated arrays, by memfd (or a temporary file) and mmap.
#include "mmu/machine_memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <mutex>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace penumbra {

namespace {

// Memory rather than disk, where there is a choice.
std::vector<std::string> temporary_folders() {
  const char* const wanted = std::getenv("TMPDIR");
  return {"/dev/shm", wanted ? wanted : "/tmp", "/var/tmp"};
}

// A full file system would end the process with SIGBUS much later, when the guest touches its memory.
bool has_room(const std::string& folder, u64 bytes) {
  struct statvfs status;
  return statvfs(folder.c_str(), &status) == 0 && u64{status.f_bavail} * status.f_frsize >= bytes;
}

int sized(int file, u64 bytes, const char* purpose) {
  if (ftruncate(file, static_cast<off_t>(bytes)) == 0) return file;
  const HostError error = host_error(fmt::format("{}: {} bytes", purpose, bytes));
  close(file);
  throw error;
}

}  // namespace

int open_unlinked_file(u64 bytes, const char* purpose) {
  for (const std::string& folder : temporary_folders()) {
    if (!has_room(folder, bytes)) continue;
    std::string path = folder + "/penumbra-XXXXXX";
    const int file = mkostemp(path.data(), O_CLOEXEC);
    if (file < 0) continue;
    unlink(path.c_str());
    return sized(file, bytes, purpose);
  }
  throw HostError(
      fmt::format("{}: no room for a file of {} bytes in {}", purpose, bytes, fmt::join(temporary_folders(), ", ")));
}

int open_memory_file(const char* name, u64 bytes, const char* purpose) {
  const int file = memfd_create(name, MFD_CLOEXEC);
  if (file >= 0) return sized(file, bytes, purpose);
  const HostError refusal = host_error("memfd_create");
  static std::once_flag said;
  std::call_once(said,
                 [&] { fmt::print(stderr, "note: {}; an unlinked temporary file takes its place\n", refusal.what()); });
  return open_unlinked_file(bytes, purpose);
}

MachineMemory::MachineMemory(u64 bytes)
    : bytes_(bytes), file_(open_memory_file("penumbra-guest", bytes, "guest memory")) {
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
