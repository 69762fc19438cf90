// Berkeley TestFloat's vectors: reader, and the tiny x87 and SSE sequences that run them.
#pragma once

#include <string>
#include <vector>

#include "conformance/subject.h"

namespace penumbra::conformance {

// An operand or result: integers and formats up to 64 bits in `low`; an extF80's sign and exponent in `high`.
struct FloatValue {
  u64 low = 0;
  u16 high = 0;

  bool operator==(const FloatValue&) const = default;
};

struct FloatVector {
  FloatValue a, b;  // b: for operations with two operands
  FloatValue result;
  u8 flags = 0;  // 1 inexact, 2 underflow, 4 overflow, 8 divide by zero, 16 invalid
};

struct FloatSection {
  std::string operation;  // "extF80_add"
  unsigned precision = 80;
  std::string rounding;  // rne, rz, rd, ru
  std::vector<FloatVector> vectors;

  std::string name() const;
};

// Throws ConfigError naming the line.
std::vector<FloatSection> parse_testfloat(std::string_view text);

// Runs every vector of a section. Empty if all agree, else a count and the first ones that don't.
std::string run_testfloat(const FloatSection& section, Subject& subject);

}  // namespace penumbra::conformance
