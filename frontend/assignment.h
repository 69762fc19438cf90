// One option with its value, wherever it was read.
#pragma once

#include <string>
#include <vector>

#include "frontend/options.h"

namespace penumbra {

struct Assignment {
  const Option* option;
  std::string value;
  std::string origin;      // for messages: "--memory", "machine.toml: memory"
  bool read_only = false;  // of one image, which only the machine file can say
  bool cdrom = false;      // likewise: a CD drive in a hard disk's place
};

// The assignments of a machine file, in its order. Relative paths in it are relative to the file's folder.
// Throws ConfigError or HostError naming the file.
std::vector<Assignment> read_machine_file(const std::string& path);

}  // namespace penumbra
