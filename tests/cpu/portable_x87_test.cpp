// The portable x87 against the host's: values, exception flags and condition codes, bit for bit.
#if defined(__x86_64__)

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <string>

#include "core/cpu/x87_arithmetic.h"
#include "tests/support/float_operands.h"

namespace penumbra {
namespace {

using namespace x87_bits;
using x87::Format;
namespace host = x87::host;
namespace portable = x87::portable;

constexpr int kRounds = 40'000;

std::string text(Float80 f) { return fmt::format("{:04x}:{:016x}", f.sign_exponent, f.significand); }
bool same(Float80 a, Float80 b) { return a.significand == b.significand && a.sign_exponent == b.sign_exponent; }

// Counts differences and shows the first few, so that a mistake in a rule does not print a hundred thousand lines.
class Differences {
 public:
  explicit Differences(const char* what) : what_(what) {}
  ~Differences() { CHECK_MESSAGE(count_ == 0, what_ << ": " << count_ << " differ"); }
  void note(bool equal, const std::string& detail) {
    if (equal || ++count_ > 5) return;
    MESSAGE(what_ << ": " << detail);
  }

 private:
  const char* what_;
  int count_ = 0;
};

// Exception flags, and of the condition codes those in `conditions`.
bool same_status(u16 a, u16 b, u16 conditions) { return ((a ^ b) & (kExceptions | conditions)) == 0; }

std::string both(const X87Result& ours, const X87Result& theirs) {
  return fmt::format("ours {} {:04x}, host {} {:04x}", text(ours.value), ours.status & 0x473F, text(theirs.value),
                     theirs.status & 0x473F);
}

TEST_CASE("portable x87: arithmetic of two registers") {
  constexpr std::pair<x87::Binary, const char*> kOperations[] = {
      {x87::Binary::add, "FADD"},   {x87::Binary::mul, "FMUL"}, {x87::Binary::sub, "FSUB"},
      {x87::Binary::subr, "FSUBR"}, {x87::Binary::div, "FDIV"}, {x87::Binary::divr, "FDIVR"}};
  for (const auto& [operation, name] : kOperations) {
    FloatOperands operands(1);
    Differences differences(name);
    for (int n = 0; n < kRounds; ++n) {
      const Float80 a = operands.extended();
      Float80 b = operands.extended();
      // Near cancellation.
      if (operands.one_in(4))
        b = {a.significand + operands.below(3), static_cast<u16>(a.sign_exponent ^ (operands.bits() & 0x8001))};
      const u16 control = operands.control();
      const X87Result ours = portable::binary(operation, a, b, control),
                      theirs = host::binary(operation, a, b, control);
      differences.note(same(ours.value, theirs.value) && same_status(ours.status, theirs.status, C1),
                       fmt::format("{} {} control {:04x}: {}", text(a), text(b), control, both(ours, theirs)));
    }
  }
}

TEST_CASE("portable x87: arithmetic and comparison with memory") {
  for (const Format format : {Format::f32, Format::f64, Format::i16, Format::i32}) {
    FloatOperands operands(2);
    Differences differences("memory operand");
    for (int n = 0; n < kRounds; ++n) {
      const Float80 a = operands.extended();
      u64 b = format == Format::f64   ? operands.ieee<u64>()
              : format == Format::f32 ? operands.ieee<u32>()
                                      : operands.bits();
      if (operands.one_in(16)) b = 0;
      const u16 control = operands.control();
      const auto operation = static_cast<x87::Binary>(operands.below(6));
      const X87Result ours = portable::binary_memory(operation, a, format, &b, control),
                      theirs = host::binary_memory(operation, a, format, &b, control);
      differences.note(same(ours.value, theirs.value) && same_status(ours.status, theirs.status, C1),
                       fmt::format("{} {} {:x} control {:04x}: {}", static_cast<int>(operation), text(a), b, control,
                                   both(ours, theirs)));
      const u16 compared = portable::compare_memory(a, format, &b, control),
                expected = host::compare_memory(a, format, &b, control);
      differences.note(same_status(compared, expected, kConditions),
                       fmt::format("compare {} {:x} control {:04x}: ours {:04x}, host {:04x}", text(a), b, control,
                                   compared, expected));
    }
  }
}

TEST_CASE("portable x87: FSQRT, FRNDINT, FABS, FCHS, FXAM") {
  constexpr std::pair<x87::Unary, const char*> kOperations[] = {{x87::Unary::sqrt, "FSQRT"},
                                                                {x87::Unary::round, "FRNDINT"},
                                                                {x87::Unary::abs, "FABS"},
                                                                {x87::Unary::chs, "FCHS"}};
  for (const auto& [operation, name] : kOperations) {
    FloatOperands operands(3);
    Differences differences(name);
    for (int n = 0; n < kRounds; ++n) {
      Float80 a = operands.extended();
      if (operation == x87::Unary::sqrt && !operands.one_in(8)) a.sign_exponent &= 0x7FFF;
      const u16 control = operands.control();
      const X87Result ours = portable::unary(operation, a, control), theirs = host::unary(operation, a, control);
      differences.note(same(ours.value, theirs.value) && same_status(ours.status, theirs.status, C1),
                       fmt::format("{} control {:04x}: {}", text(a), control, both(ours, theirs)));
      differences.note(
          portable::examine(a) == host::examine(a),
          fmt::format("FXAM {}: ours {:04x}, host {:04x}", text(a), portable::examine(a), host::examine(a)));
    }
  }
}

TEST_CASE("portable x87: FCOM and FUCOM") {
  for (const bool unordered : {false, true}) {
    FloatOperands operands(4);
    Differences differences(unordered ? "FUCOM" : "FCOM");
    for (int n = 0; n < kRounds; ++n) {
      const Float80 a = operands.extended();
      const Float80 b = operands.one_in(4) ? a : operands.extended();
      const u16 control = operands.control();
      const u16 ours = portable::compare(a, b, unordered, control), theirs = host::compare(a, b, unordered, control);
      differences.note(
          same_status(ours, theirs, kConditions),
          fmt::format("{} {} control {:04x}: ours {:04x}, host {:04x}", text(a), text(b), control, ours, theirs));
    }
  }
}

TEST_CASE("portable x87: FSCALE, FPREM, FPREM1") {
  constexpr std::pair<x87::Two, const char*> kOperations[] = {
      {x87::Two::scale, "FSCALE"}, {x87::Two::prem, "FPREM"}, {x87::Two::prem1, "FPREM1"}};
  for (const auto& [operation, name] : kOperations) {
    FloatOperands operands(5);
    Differences differences(name);
    for (int n = 0; n < kRounds; ++n) {
      const Float80 a = operands.extended();
      Float80 b = operands.extended();
      if (operation == x87::Two::scale && operands.one_in(2)) b = operands.normal(-2, 16);
      if (operation != x87::Two::scale && operands.one_in(2))
        b.sign_exponent = static_cast<u16>((a.sign_exponent - operands.below(70) + 3) & 0x7FFF);
      const u16 control = operands.control();
      const X87Result ours = portable::two(operation, a, b, control), theirs = host::two(operation, a, b, control);
      // A quotient that does not exist has no bits, and the instruction does not take C0 and C3 then.
      const bool nothing =
          (theirs.status & IE) || (theirs.status & DE & ~control) || (theirs.value.sign_exponent & 0x7FFF) == 0x7FFF;
      const u16 conditions = operation == x87::Two::scale ? C1 : nothing ? C1 | C2 : kConditions;
      differences.note(same(ours.value, theirs.value) && same_status(ours.status, theirs.status, conditions),
                       fmt::format("{} {} control {:04x}: {}", text(a), text(b), control, both(ours, theirs)));
    }
  }
}

TEST_CASE("portable x87: FXTRACT") {
  FloatOperands operands(6);
  Differences differences("FXTRACT");
  for (int n = 0; n < kRounds; ++n) {
    const Float80 a = operands.extended();
    const u16 control = operands.control();
    const X87Pair ours = portable::extract(a, control), theirs = host::extract(a, control);
    // With an unmasked exception there is one value only.
    const bool one = theirs.status & ~control & (IE | DE | ZE);
    differences.note(
        same(ours.first, theirs.first) && (one || same(ours.second, theirs.second)) &&
            same_status(ours.status, theirs.status, C1),
        fmt::format("{} control {:04x}: ours {} {} {:04x}, host {} {} {:04x}", text(a), control, text(ours.first),
                    text(ours.second), ours.status, text(theirs.first), text(theirs.second), theirs.status));
  }
}

TEST_CASE("portable x87: stores") {
  constexpr std::pair<Format, const char*> kFormats[] = {
      {Format::f32, "FST m32"},   {Format::f64, "FST m64"}, {Format::i16, "FIST m16"}, {Format::i32, "FIST m32"},
      {Format::i64, "FISTP m64"}, {Format::bcd, "FBSTP"},   {Format::f80, "FSTP m80"}};
  for (const auto& [format, name] : kFormats) {
    FloatOperands operands(7);
    Differences differences(name);
    for (int n = 0; n < kRounds; ++n) {
      const Float80 a = operands.extended();
      const u16 control = operands.control();
      std::array<u8, 16> ours{}, theirs{};
      ours.fill(0xCC);
      theirs.fill(0xCC);
      const u16 status = portable::store(format, a, ours.data(), control),
                expected = host::store(format, a, theirs.data(), control);
      differences.note(ours == theirs && same_status(status, expected, C1),
                       fmt::format("{} control {:04x}: ours {:02x} {:04x}, host {:02x} {:04x}", text(a), control,
                                   fmt::join(ours.begin(), ours.begin() + 10, ""), status,
                                   fmt::join(theirs.begin(), theirs.begin() + 10, ""), expected & 0x473F));
    }
  }
}

TEST_CASE("portable x87: constants, and FBLD") {
  for (unsigned number = 0; number < 7; ++number)
    for (unsigned control = 0x37F; control < 0x1000; control += 0x400) {
      CAPTURE(number);
      CHECK(same(portable::constant(number, static_cast<u16>(control)),
                 host::constant(number, static_cast<u16>(control))));
    }
  FloatOperands operands(8);
  Differences differences("FBLD");
  for (int n = 0; n < kRounds; ++n) {
    std::array<u8, 10> image;
    for (u8& byte : image)
      byte = static_cast<u8>(operands.one_in(3) ? operands.bits() : operands.below(10) << 4 | operands.below(10));
    const Float80 ours = x87::load_bcd(image.data());
    struct [[gnu::packed]] {
      u64 significand;
      u16 sign_exponent;
    } theirs;
    asm volatile("fbld %[image]\n\tfstpt %[value]" : [value] "=m"(theirs) : [image] "m"(image) : "st");
    const Float80 expected{theirs.significand, theirs.sign_exponent};
    differences.note(same(ours, expected),
                     fmt::format("{:02x}: ours {}, host {}", fmt::join(image, ""), text(ours), text(expected)));
  }
}

// The distance in units of the last place, for finite values.
u64 places_between(Float80 a, Float80 b) {
  using i128 = __int128;
  const auto order = [](Float80 f) {
    const i128 magnitude = i128{f.sign_exponent & 0x7FFF} << 63 | i128{f.significand & ~(u64{1} << 63)};
    return f.sign_exponent & 0x8000 ? -magnitude : magnitude;
  };
  const i128 distance = order(a) - order(b);
  const i128 places = distance < 0 ? -distance : distance;
  return places > 1000 ? 1000 : static_cast<u64>(places);
}

// Processors err by up to one unit, and so may differ from the right result by one.
bool close(Float80 a, Float80 b) {
  const bool special = (a.sign_exponent & 0x7FFF) == 0x7FFF || (b.sign_exponent & 0x7FFF) == 0x7FFF;
  return special ? same(a, b) : places_between(a, b) <= 1;
}

TEST_CASE("portable x87: FSIN, FCOS, FPTAN, FSINCOS, F2XM1") {
  FloatOperands operands(9);
  Differences differences("trigonometry");
  for (int n = 0; n < kRounds / 4; ++n) {
    const Float80 a = operands.one_in(4) ? operands.extended() : operands.normal(-40, 66);
    const u16 control = operands.one_in(8) ? operands.control() : static_cast<u16>(0x037F | (operands.bits() & 0x0C00));
    for (const x87::Unary operation : {x87::Unary::sin, x87::Unary::cos, x87::Unary::f2xm1}) {
      const bool power = operation == x87::Unary::f2xm1;
      if (power && (a.sign_exponent & 0x7FFF) >= 0x3FFF && (a.sign_exponent & 0x7FFF) != 0x7FFF) continue;
      const X87Result ours = portable::unary(operation, a, control), theirs = host::unary(operation, a, control);
      differences.note(close(ours.value, theirs.value) && same_status(ours.status, theirs.status, power ? 0 : C2),
                       fmt::format("{} of {} control {:04x}: {}", static_cast<int>(operation), text(a), control,
                                   both(ours, theirs)));
    }
    for (const bool tangent : {false, true}) {
      const X87Pair ours = tangent ? portable::tan(a, control) : portable::sincos(a, control);
      const X87Pair theirs = tangent ? host::tan(a, control) : host::sincos(a, control);
      const bool one = theirs.status & (C2 | (~control & (IE | DE)));
      differences.note(close(ours.first, theirs.first) && (one || close(ours.second, theirs.second)) &&
                           same_status(ours.status, theirs.status, C2),
                       fmt::format("{} of {} control {:04x}: ours {} {} {:04x}, host {} {} {:04x}",
                                   tangent ? "FPTAN" : "FSINCOS", text(a), control, text(ours.first), text(ours.second),
                                   ours.status, text(theirs.first), text(theirs.second), theirs.status & 0x473F));
    }
  }
}

TEST_CASE("portable x87: FPATAN, FYL2X, FYL2XP1") {
  constexpr std::pair<x87::Two, const char*> kOperations[] = {
      {x87::Two::atan2, "FPATAN"}, {x87::Two::yl2x, "FYL2X"}, {x87::Two::yl2xp1, "FYL2XP1"}};
  for (const auto& [operation, name] : kOperations) {
    FloatOperands operands(10);
    Differences differences(name);
    for (int n = 0; n < kRounds / 4; ++n) {
      Float80 a = operands.one_in(4) ? operands.extended() : operands.normal(-6, 6);
      const Float80 b = operands.one_in(4) ? operands.extended() : operands.normal(-6, 6);
      const u16 control =
          operands.one_in(8) ? operands.control() : static_cast<u16>(0x037F | (operands.bits() & 0x0C00));
      if (operation == x87::Two::yl2x && !operands.one_in(8)) a.sign_exponent &= 0x7FFF;
      if (operation == x87::Two::yl2xp1 && !operands.one_in(8)) a = operands.normal(-70, -3);
      // Undefined from 1 - sqrt(1/2) on.
      const u16 exponent = a.sign_exponent & 0x7FFF;
      if (operation == x87::Two::yl2xp1 && exponent >= 0x3FFD && exponent != 0x7FFF) continue;
      const X87Result ours = portable::two(operation, a, b, control), theirs = host::two(operation, a, b, control);
      differences.note(close(ours.value, theirs.value) && same_status(ours.status, theirs.status, 0),
                       fmt::format("x {} y {} control {:04x}: {}", text(a), text(b), control, both(ours, theirs)));
    }
  }
}

}  // namespace
}  // namespace penumbra

#endif
