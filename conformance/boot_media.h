// Media of boot runs: where they lie, copies of them to write to, and whether what a guest left on one is sound.
#pragma once

#include <filesystem>
#include <string>

#include "conformance/boot_cases.h"
#include "conformance/suite.h"

namespace penumbra::conformance {

// A file of the media folder or of an installed package; else what the scripts put into build/media of this build. What
// is nowhere is answered as the first of these.
std::filesystem::path locate(const BootFile& file, const Options& options);

// Copies a medium; blocks of zeros become holes, and the owner may write. Throws HostError.
void copy_medium(const std::filesystem::path& from, const std::filesystem::path& to);

// The host's checker of ext file systems; empty if it has none.
std::filesystem::path file_system_checker();

// Runs a program with its output in a file; answers its exit code, or 128 + the signal that ended it.
int run_program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
                const std::filesystem::path& output);

}  // namespace penumbra::conformance
