// Boot runs as data: what is started, what is typed, and what must appear.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra::conformance {

struct BootStep {
  enum class Kind : u8 { expect, type };
  Kind kind;
  std::string_view text;
};

// A file handed to an option. A name without a leading slash is one of the media folder's; what is not there, or not
// installed, may lie in build/media (scripts/fetch-boot-media.sh, scripts/make-debian-disk.sh).
struct BootFile {
  std::string_view option;  // "--fda"
  std::string_view file;
};

struct BootCase {
  std::string_view name;
  std::vector<BootFile> files;
  std::vector<std::string_view> options;
  std::vector<BootStep> steps;         // in order
  std::vector<BootStep> next_steps{};  // not empty: what the first boot left is booted again, with these steps
  unsigned timeout = 60;               // seconds a boot
  int exit_code = 0;                   // 0: all expectations met
  unsigned picture_bytes = 0;          // not 0: a screenshot is taken at the end and is at least so long
  u64 file_system_at = 0;  // not 0: at this byte of the first file, e2fsck finds a clean file system in the end
  bool quick = false;
  bool seabios = true;  // runs with SeaBIOS too
};

std::span<const BootCase> boot_cases();

}  // namespace penumbra::conformance
