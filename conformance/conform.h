// `penumbra conform`: runs the conformance suites without a window and says what passed.
#pragma once

#include <span>
#include <string>

namespace penumbra {

// `arguments` are those after the word "conform". Returns the exit code: 0 everything that ran passed, 1 a case failed,
// 2 bad usage, 3 nothing ran (no case matched, or all of them were skipped).
int conform_main(std::span<const std::string> arguments);

}  // namespace penumbra
