// "Did you mean": the known word nearest to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penumbra {

// Insertions, deletions, replacements and swaps of neighbours that turn one word into the other, ignoring case.
unsigned edit_distance(std::string_view a, std::string_view b);

// The nearest of `known`, or empty when nothing is near enough to be what was meant.
std::string nearest(std::string_view word, std::span<const std::string_view> known);

// "; did you mean 'WORD'?" or nothing, to be put behind an error. `prefix` stands before the word inside the quotes.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known, std::string_view prefix = "");

}  // namespace penumbra
