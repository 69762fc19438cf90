// CHECK: our own bugs, always tested for, with the values that explain them. Never for what a guest or a host can
// cause.
#pragma once

#include <fmt/format.h>

#include <string>

namespace penumbra {

// Prints where and why, then aborts.
[[noreturn]] void check_failed(const char* file, int line, const char* condition, const std::string& detail);

}  // namespace penumbra

#define CHECK_THAT(condition, ...)                                                             \
  do {                                                                                         \
    if (!(condition)) [[unlikely]]                                                             \
      ::penumbra::check_failed(__FILE__, __LINE__, #condition, ::fmt::format("" __VA_ARGS__)); \
  } while (false)
