// The written list of what the manuals leave undefined, instruction by instruction: the only differences between two
// processors that are not failures.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "conformance/generate.h"

namespace penumbra::conformance {

enum class When : u8 {
  always,
  count_not_zero,   // shifts and rotates: the masked count
  count_not_one,    // neither 0 nor 1
  count_too_large,  // at least the operand's width
  count_beyond,     // more than the operand's width
  source_zero,
  operand16,
  stack_fault,       // the x87's SF is set afterwards
  result_nan,        // ST(0) is a NaN afterwards
  operand_unmasked,  // the x87's IE or DE is set and unmasked afterwards
};

enum class Result : u8 {
  exact,
  undefined,    // the destination register or memory is not compared
  approximate,  // RCPPS and RSQRTPS: relative error up to 1.5 * 2^-12 on either side
  last_places,  // x87 transcendentals: error of one unit in the last place on either side
};

struct UndefinedEntry {
  ZydisMnemonic mnemonic;
  When when;
  u32 flags;   // EFLAGS bits
  u16 status;  // x87 status word bits
  Result result;
  std::string_view reason;
};

std::span<const UndefinedEntry> undefined_table();

// What the manuals leave open where an instruction faults half-way.
enum Freedom : u16 {
  kPartialMemory = 1,     // some of its stores may have happened
  kPartialRegisters = 2,  // some of its registers may have been loaded, but not ESP
  kFaultInOperand = 4,    // CR2 may name any byte of the operand
  kEitherFault = 8,       // of two faults, either may be the one that is reported
  kMayFault = 16,         // there may be a fault or none
  kRepeatedFlags = 64,    // between iterations the flags may be the old ones or the last one's
  kEntersMmx = 32,        // the x87's tags and TOP may be those of MMX operation already
  kOperandFirst = 128,    // where an unmasked x87 exception keeps it from storing, its operand may fault instead
  kWiderAccess = 256,     // more bytes than the operand's may be looked at, and fault
  kMoreControl = 512,     // MXCSR may have a bit that a Pentium 4 refuses
};
struct FreedomEntry {
  ZydisMnemonic mnemonic;
  u16 freedom;
  std::string_view reason;
  bool (*of)(const Row&) = nullptr;  // which rows of the mnemonic; null: all
};

std::span<const FreedomEntry> freedom_table();
// For a case that ended in a fault at its instruction: a sum of Freedoms.
u16 freedom_of(const Row& row);

// Memory bytes that hold what processors may answer differently: where and how many, linear.
struct IgnoredBytes {
  u32 at = 0;
  u32 bytes = 0;
};

struct Undefined {
  u32 flags = 0;
  u16 status = 0;
  Result result = Result::exact;
  std::array<IgnoredBytes, 3> memory{};
};

// For a case that finished without an exception.
Undefined undefined_by(const Row& row, const TestCase& test, const Arena& before, const Outcome& host);

}  // namespace penumbra::conformance
