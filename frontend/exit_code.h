// What the process answers its caller: one number for each way a run can end. Guest-chosen codes are odd, ours even.
#pragma once

#include <span>
#include <string_view>

#include "core/base/types.h"

namespace penumbra {

enum class ExitCode : int {
  ok = 0,
  configuration = 2,
  triple_fault = 4,
  expectation = 6,
  time_limit = 8,
  internal_error = 10,
  host_error = 12,
  guest_reset = 14,
  signal = 16,
};

// A guest's value v written to the debug exit becomes (v << 1) | 1, as much of it as an exit status holds.
constexpr int debug_exit_code(u32 value) { return static_cast<int>(((value << 1) | 1) & 0xFF); }

struct ExitCodeRow {
  std::string_view code;
  std::string_view meaning;
};

// For --help-all, the man page and docs/command-line.md.
std::span<const ExitCodeRow> exit_code_rows();

}  // namespace penumbra
