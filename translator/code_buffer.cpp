// Shared memory, mapped twice.
#include "translator/code_buffer.h"

#include <sys/mman.h>

#include <atomic>

#include "core/base/check.h"
#include "core/base/error.h"

namespace penumbra {

CodeBuffer::CodeBuffer(u64 bytes) : bytes_(bytes) {
  void* write = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (write == MAP_FAILED) throw host_error(fmt::format("code cache: mapping {} bytes", bytes));
  // An old size of 0 duplicates a shared mapping (mremap(2)), so that no file is needed.
  void* execute = mremap(write, 0, bytes, MREMAP_MAYMOVE);
  if (execute == MAP_FAILED || mprotect(execute, bytes, PROT_READ | PROT_EXEC) != 0) {
    const HostError error = host_error(fmt::format("code cache: executable mapping of {} bytes", bytes));
    if (execute != MAP_FAILED) munmap(execute, bytes);
    munmap(write, bytes);
    throw error;
  }
  writable_ = static_cast<u8*>(write);
  executable_ = static_cast<u8*>(execute);
}

CodeBuffer::~CodeBuffer() {
  munmap(writable_, bytes_);
  munmap(executable_, bytes_);
}

void CodeBuffer::patch_jump(u64 place, u64 target) {
  CHECK_THAT(place + 4 <= bytes_ && target < bytes_, "{:x} -> {:x}", place, target);
  const i32 displacement = static_cast<i32>(static_cast<i64>(target) - static_cast<i64>(place + 4));
  __builtin_memcpy(writable_ + place, &displacement, 4);
  // The code is executed by this thread only, after a jump; the compiler must not move the store behind it.
  std::atomic_signal_fence(std::memory_order_seq_cst);
}

}  // namespace penumbra
