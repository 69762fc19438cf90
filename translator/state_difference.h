// Two processor states, compared field by field.
#pragma once

#include <string>

#include "core/cpu/cpu_state.h"

namespace penumbra {

// A line for each field that differs, with both values; empty where none does.
std::string state_difference(const CpuState& interpreter, const CpuState& translator);

}  // namespace penumbra
