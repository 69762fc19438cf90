// A file that is in memory only, for as long as its object lives: a kernel for a machine to load.
#pragma once

#include <span>
#include <string>

#include "core/base/types.h"

namespace penumbra::conformance {

class MemoryFile {
 public:
  // Throws HostError.
  MemoryFile(const char* name, std::span<const u8> bytes);
  ~MemoryFile();
  MemoryFile(const MemoryFile&) = delete;
  MemoryFile& operator=(const MemoryFile&) = delete;
  std::string path() const;

 private:
  int file_;
};

}  // namespace penumbra::conformance
