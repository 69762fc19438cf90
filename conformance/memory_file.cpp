// The file, and the name under which this process finds it.
#include "conformance/memory_file.h"

#include <fmt/format.h>
#include <unistd.h>

#include "core/base/error.h"
#include "mmu/machine_memory.h"

namespace penumbra::conformance {

MemoryFile::MemoryFile(const char* name, std::span<const u8> bytes) : file_(open_memory_file(name, 0, name)) {
  if (write(file_, bytes.data(), bytes.size()) == static_cast<ssize_t>(bytes.size())) return;
  close(file_);
  throw host_error(fmt::format("{}: a file in memory", name));
}

MemoryFile::~MemoryFile() { close(file_); }

std::string MemoryFile::path() const { return fmt::format("/proc/self/fd/{}", file_); }

}  // namespace penumbra::conformance
