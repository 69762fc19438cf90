// Multiboot 1 kernels: recognized, checked, and put into guest memory with their modules (Multiboot Specification
// 0.6.96).
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "mmu/guest_memory.h"

namespace penumbra {

struct MultibootModule {
  std::vector<u8> bytes;
  std::string arguments;  // its file name and what the user wrote after it
};

struct MultibootEntry {
  u32 entry;
  u32 info;  // physical address of the information structure
};

// True if the image carries a multiboot 1 header in its first 8 KiB.
bool is_multiboot(std::span<const u8> image);
// Writes segments, modules, command line and information structure. Throws ConfigError naming `path` where the image or
// the memory does not fit.
MultibootEntry load_multiboot(GuestMemory& memory, std::span<const u8> image, const std::string& path,
                              const std::string& command_line, std::span<const MultibootModule> modules);

}  // namespace penumbra
