// The portable SSE against the host's: values and exception flags, bit for bit; the approximations within the manual's
// bound.
#if defined(__x86_64__)

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <string>

#include "core/cpu/sse_arithmetic.h"
#include "tests/support/float_operands.h"

namespace penumbra {
namespace {

namespace portable = sse::portable;
namespace host = sse::host;

constexpr int kRounds = 10'000;

Xmm random_register(FloatOperands& operands) {
  Xmm x;
  if (operands.one_in(2))
    for (u32& lane : x.dword) lane = operands.ieee<u32>();
  else
    for (u64& lane : x.qword) lane = operands.ieee<u64>();
  return x;
}

bool same(const Xmm& a, const Xmm& b) { return std::memcmp(&a, &b, sizeof a) == 0; }
std::string text(const Xmm& x) { return fmt::format("{:016x}{:016x}", x.qword[1], x.qword[0]); }

struct Case {
  const char* name;
  sse::Function ours, theirs;
};
#define PENUMBRA_CASE(name) {#name, portable::name, host::name},
constexpr Case kCases[] = {PENUMBRA_SSE_FUNCTIONS(PENUMBRA_CASE)};

bool approximates(const std::string& name) { return name.starts_with("rcp") || name.starts_with("rsqrt"); }

TEST_CASE("portable SSE: every function on random registers and MXCSR") {
  for (const Case& c : kCases) {
    if (approximates(c.name)) continue;
    FloatOperands operands(11);
    int differences = 0;
    for (int n = 0; n < kRounds; ++n) {
      const Xmm a = random_register(operands);
      Xmm b = random_register(operands);
      if (operands.one_in(4))
        for (unsigned lane = 0; lane < 4; ++lane) b.dword[lane] = a.dword[lane] + (operands.one_in(2) ? 1 : 0);
      const u32 mxcsr = operands.mxcsr();
      Xmm ours = a, theirs = a;
      const u32 flags = c.ours(ours, b, mxcsr), expected = c.theirs(theirs, b, mxcsr);
      // What a conversion to a general register leaves in the rest of the register has no meaning.
      if (std::string(c.name).ends_with("si") || std::string(c.name).find("comis") != std::string::npos)
        ours.qword[1] = theirs.qword[1], ours.dword[1] = theirs.dword[1];
      if (flags == expected && same(ours, theirs)) continue;
      if (++differences <= 4)
        MESSAGE(c.name << " " << text(a) << " " << text(b)
                       << fmt::format(" mxcsr {:04x}: ours {} {:02x}, host {} {:02x}", mxcsr, text(ours), flags,
                                      text(theirs), expected));
    }
    CHECK_MESSAGE(differences == 0, c.name << ": " << differences << " differ");
  }
}

TEST_CASE("portable SSE: CMPPS and its kin") {
  constexpr struct {
    const char* name;
    u32 (*ours)(Xmm&, const Xmm&, u32, u32);
    u32 (*theirs)(Xmm&, const Xmm&, u32, u32);
  } kCompare[] = {PENUMBRA_SSE_FOUR(PENUMBRA_CASE, cmp)};
  for (const auto& c : kCompare) {
    FloatOperands operands(12);
    int differences = 0;
    for (int n = 0; n < 4 * kRounds; ++n) {
      const Xmm a = random_register(operands);
      const Xmm b = operands.one_in(4) ? a : random_register(operands);
      const u32 mxcsr = operands.mxcsr(), predicate = operands.below(8);
      Xmm ours = a, theirs = a;
      const u32 flags = c.ours(ours, b, mxcsr, predicate), expected = c.theirs(theirs, b, mxcsr, predicate);
      if (flags != expected || !same(ours, theirs)) ++differences;
    }
    CHECK_MESSAGE(differences == 0, c.name << ": " << differences << " differ");
  }
}

TEST_CASE("portable SSE: special values of the approximations are the processor's") {
  FloatOperands operands(13);
  constexpr Case kApproximations[] = {PENUMBRA_CASE(rcpps) PENUMBRA_CASE(rcpss) PENUMBRA_CASE(rsqrtps)
                                          PENUMBRA_CASE(rsqrtss)};
  for (const Case& c : kApproximations) {
    int differences = 0;
    for (int n = 0; n < kRounds; ++n) {
      const Xmm a = random_register(operands), b = random_register(operands);
      Xmm ours = a, theirs = a;
      const u32 flags = c.ours(ours, b, operands.mxcsr());
      c.theirs(theirs, b, 0x1F80);
      if (flags) ++differences;
      for (unsigned lane = 0; lane < 4; ++lane) {
        float x, y;
        std::memcpy(&x, &ours.dword[lane], 4);
        std::memcpy(&y, &theirs.dword[lane], 4);
        const bool near = ours.dword[lane] == theirs.dword[lane] ||
                          (std::isnormal(x) && std::isnormal(y) && std::fabs(x - y) <= std::fabs(y) * 1.6f / 4096);
        // Whether the smallest normal number counts as tiny, and is flushed, is the processor's choice (SDM 2, RCPPS).
        const bool smallest = (ours.dword[lane] & 0x7FFF'FFFF) == 0x0080'0000 && theirs.dword[lane] << 1 == 0;
        if (near || smallest) continue;
        if (++differences <= 5)
          MESSAGE(c.name << fmt::format(" {:08x}: ours {:08x}, host {:08x}", b.dword[lane], ours.dword[lane],
                                        theirs.dword[lane]));
      }
    }
    CHECK_MESSAGE(differences == 0, c.name << ": " << differences << " differ");
  }
}

}  // namespace
}  // namespace penumbra

#endif
