// x87 arithmetic by the host's own x87. An operation runs under the guest's control word, unmasked exceptions included:
// FNSTSW takes the status and FNCLEX forgets it before any waiting instruction could report it.
#include "core/base/check.h"
#include "core/cpu/x87_arithmetic.h"

#if !defined(__x86_64__)
#error "this file is for x86-64 only; other hosts build with PENUMBRA_PORTABLE_FPU"
#endif

namespace penumbra::x87::host {

namespace {

// The host's own control word, put back after each operation.
constexpr u16 kHostControl = 0x037F;

struct [[gnu::packed]] Raw {
  u64 significand;
  u16 sign_exponent;
};

Raw raw(Float80 f) { return {f.significand, f.sign_exponent}; }
Float80 value(const Raw& r) { return {r.significand, r.sign_exponent}; }

// Flags that other code of this process left (long double arithmetic in a library) are neither the guest's nor may they
// trap under its control word; an exception left pending by that one must never meet a waiting instruction of ours.
#define PENUMBRA_X87_BEGIN "fnclex\n\tfldcw %[control]\n\t"
#define PENUMBRA_X87_END "\n\tfnstsw %[status]\n\tfnclex\n\t"
#define PENUMBRA_X87_RESTORE "\n\tfldcw %[host]"

}  // namespace

// a in ST(0), b in ST(1); the result replaces a.
#define PENUMBRA_BINARY(text)                                                        \
  asm volatile("fldt %[b]\n\tfldt %[a]\n\t" PENUMBRA_X87_BEGIN text PENUMBRA_X87_END \
               "fstpt %[a]\n\tfstp %%st(0)" PENUMBRA_X87_RESTORE                     \
               : [a] "+m"(x), [status] "=m"(result.status)                           \
               : [b] "m"(y), [control] "m"(control), [host] "m"(kHostControl)        \
               : "st", "st(1)")

X87Result binary(Binary op, Float80 a, Float80 b, u16 control) {
  Raw x = raw(a);
  const Raw y = raw(b);
  X87Result result;
  switch (op) {
    case Binary::add: PENUMBRA_BINARY("fadd %%st(1), %%st"); break;
    case Binary::mul: PENUMBRA_BINARY("fmul %%st(1), %%st"); break;
    case Binary::sub: PENUMBRA_BINARY("fsub %%st(1), %%st"); break;
    case Binary::subr: PENUMBRA_BINARY("fsubr %%st(1), %%st"); break;
    case Binary::div: PENUMBRA_BINARY("fdiv %%st(1), %%st"); break;
    case Binary::divr: PENUMBRA_BINARY("fdivr %%st(1), %%st"); break;
  }
  result.value = value(x);
  return result;
}

#define PENUMBRA_WITH_MEMORY(text, type)                                                                          \
  asm volatile("fldt %[a]\n\t" PENUMBRA_X87_BEGIN text " %[b]" PENUMBRA_X87_END "fstpt %[a]" PENUMBRA_X87_RESTORE \
               : [a] "+m"(x), [status] "=m"(result.status)                                                        \
               : [b] "m"(*static_cast<const type*>(b)), [control] "m"(control), [host] "m"(kHostControl)          \
               : "st")

#define PENUMBRA_EACH_FORMAT(single, dbl, word, dword)                 \
  switch (format) {                                                    \
    case Format::f32: PENUMBRA_WITH_MEMORY(single, u32); break;        \
    case Format::f64: PENUMBRA_WITH_MEMORY(dbl, u64); break;           \
    case Format::i16: PENUMBRA_WITH_MEMORY(word, u16); break;          \
    case Format::i32: PENUMBRA_WITH_MEMORY(dword, u32); break;         \
    default: CHECK_THAT(false, "format {}", static_cast<int>(format)); \
  }

X87Result binary_memory(Binary op, Float80 a, Format format, const void* b, u16 control) {
  Raw x = raw(a);
  X87Result result;
  switch (op) {
    case Binary::add: PENUMBRA_EACH_FORMAT("fadds", "faddl", "fiadds", "fiaddl"); break;
    case Binary::mul: PENUMBRA_EACH_FORMAT("fmuls", "fmull", "fimuls", "fimull"); break;
    case Binary::sub: PENUMBRA_EACH_FORMAT("fsubs", "fsubl", "fisubs", "fisubl"); break;
    case Binary::subr: PENUMBRA_EACH_FORMAT("fsubrs", "fsubrl", "fisubrs", "fisubrl"); break;
    case Binary::div: PENUMBRA_EACH_FORMAT("fdivs", "fdivl", "fidivs", "fidivl"); break;
    case Binary::divr: PENUMBRA_EACH_FORMAT("fdivrs", "fdivrl", "fidivrs", "fidivrl"); break;
  }
  result.value = value(x);
  return result;
}

u16 compare_memory(Float80 a, Format format, const void* b, u16 control) {
  Raw x = raw(a);
  X87Result result;
  PENUMBRA_EACH_FORMAT("fcoms", "fcoml", "ficoms", "ficoml");
  return result.status;
}

u16 compare(Float80 a, Float80 b, bool unordered, u16 control) {
  Raw x = raw(a);
  const Raw y = raw(b);
  X87Result result;
  if (unordered)
    PENUMBRA_BINARY("fucom %%st(1)");
  else
    PENUMBRA_BINARY("fcom %%st(1)");
  return result.status;
}

#define PENUMBRA_UNARY(text)                                                                              \
  asm volatile("fldt %[a]\n\t" PENUMBRA_X87_BEGIN text PENUMBRA_X87_END "fstpt %[a]" PENUMBRA_X87_RESTORE \
               : [a] "+m"(x), [status] "=m"(result.status)                                                \
               : [control] "m"(control), [host] "m"(kHostControl)                                         \
               : "st")

X87Result unary(Unary op, Float80 a, u16 control) {
  Raw x = raw(a);
  X87Result result;
  switch (op) {
    case Unary::sqrt: PENUMBRA_UNARY("fsqrt"); break;
    case Unary::round: PENUMBRA_UNARY("frndint"); break;
    case Unary::sin: PENUMBRA_UNARY("fsin"); break;
    case Unary::cos: PENUMBRA_UNARY("fcos"); break;
    case Unary::f2xm1: PENUMBRA_UNARY("f2xm1"); break;
    case Unary::abs: PENUMBRA_UNARY("fabs"); break;
    case Unary::chs: PENUMBRA_UNARY("fchs"); break;
  }
  result.value = value(x);
  return result;
}

u16 examine(Float80 a) {
  Raw x = raw(a);
  const u16 control = kHostControl;
  X87Result result;
  PENUMBRA_UNARY("fxam");
  return result.status & x87_bits::kConditions;
}

// FPATAN and the logarithms pop; with an unmasked exception they leave the stack as it was, so that the depth
// afterwards is known only from TOP in the status word. FNINIT empties the stack in either case.
#define PENUMBRA_POPPING(text)                                                                 \
  asm volatile("fninit\n\tfldt %[b]\n\tfldt %[a]\n\t" PENUMBRA_X87_BEGIN text PENUMBRA_X87_END \
               "fstpt %[a]\n\tfninit" PENUMBRA_X87_RESTORE                                     \
               : [a] "+m"(x), [status] "=m"(result.status)                                     \
               : [b] "m"(y), [control] "m"(control), [host] "m"(kHostControl)                  \
               : "st", "st(1)")

X87Result two(Two op, Float80 a, Float80 b, u16 control) {
  Raw x = raw(a);
  const Raw y = raw(b);
  X87Result result;
  switch (op) {
    case Two::scale: PENUMBRA_BINARY("fscale"); break;
    case Two::prem: PENUMBRA_BINARY("fprem"); break;
    case Two::prem1: PENUMBRA_BINARY("fprem1"); break;
    case Two::atan2: PENUMBRA_POPPING("fpatan"); break;
    case Two::yl2x: PENUMBRA_POPPING("fyl2x"); break;
    case Two::yl2xp1: PENUMBRA_POPPING("fyl2xp1"); break;
  }
  result.value = value(x);
  return result;
}

// The second FSTPT may find an empty register: that raises a masked fault of ours, which FNINIT forgets.
#define PENUMBRA_PUSHING(text)                                                    \
  asm volatile("fninit\n\tfldt %[a]\n\t" PENUMBRA_X87_BEGIN text PENUMBRA_X87_END \
               "fldcw %[host]\n\tfstpt %[a]\n\t"                                  \
               "fstpt %[b]\n\tfninit" PENUMBRA_X87_RESTORE                        \
               : [a] "+m"(x), [b] "=m"(y), [status] "=m"(result.status)           \
               : [control] "m"(control), [host] "m"(kHostControl)                 \
               : "st", "st(1)")

X87Pair sincos(Float80 a, u16 control) {
  Raw x = raw(a), y{};
  X87Pair result;
  PENUMBRA_PUSHING("fsincos");
  result.first = value(x);
  result.second = value(y);
  return result;
}
X87Pair tan(Float80 a, u16 control) {
  Raw x = raw(a), y{};
  X87Pair result;
  PENUMBRA_PUSHING("fptan");
  result.first = value(x);
  result.second = value(y);
  return result;
}
X87Pair extract(Float80 a, u16 control) {
  Raw x = raw(a), y{};
  X87Pair result;
  PENUMBRA_PUSHING("fxtract");
  result.first = value(x);
  result.second = value(y);
  return result;
}

#define PENUMBRA_STORE(text, type)                                                                                  \
  asm volatile("fldt %[a]\n\t" PENUMBRA_X87_BEGIN text " %[b]" PENUMBRA_X87_END "fstp %%st(0)" PENUMBRA_X87_RESTORE \
               : [b] "+m"(*static_cast<type*>(to)), [status] "=m"(status)                                           \
               : [a] "m"(x), [control] "m"(control), [host] "m"(kHostControl)                                       \
               : "st")

// Where the format has no store without pop, FNINIT empties the stack, whether there was a pop or not.
#define PENUMBRA_STORE_POP(text, type)                                                    \
  asm volatile("fninit\n\tfldt %[a]\n\t" PENUMBRA_X87_BEGIN text " %[b]" PENUMBRA_X87_END \
               "fninit" PENUMBRA_X87_RESTORE                                              \
               : [b] "+m"(*static_cast<type*>(to)), [status] "=m"(status)                 \
               : [a] "m"(x), [control] "m"(control), [host] "m"(kHostControl)             \
               : "st")

u16 store(Format format, Float80 a, void* to, u16 control) {
  const Raw x = raw(a);
  u16 status = 0;
  switch (format) {
    case Format::f32: PENUMBRA_STORE("fsts", u32); break;
    case Format::f64: PENUMBRA_STORE("fstl", u64); break;
    case Format::f80: *static_cast<Raw*>(to) = x; break;
    case Format::i16: PENUMBRA_STORE("fists", u16); break;
    case Format::i32: PENUMBRA_STORE("fistl", u32); break;
    case Format::i64: PENUMBRA_STORE_POP("fistpll", u64); break;
    case Format::bcd: PENUMBRA_STORE_POP("fbstp", Raw); break;
  }
  return status;
}

#define PENUMBRA_CONSTANT(text)                                              \
  asm volatile("fldcw %[control]\n\t" text "\n\tfstpt %[a]\n\tfldcw %[host]" \
               : [a] "=m"(x)                                                 \
               : [control] "m"(rounding), [host] "m"(kHostControl)           \
               : "st")

Float80 constant(unsigned number, u16 control) {
  Raw x{};
  const u16 rounding = (control & 0x0C00) | kHostControl;
  switch (number) {
    case 0: return {u64{1} << 63, 0x3FFF};
    case 1: PENUMBRA_CONSTANT("fldl2t"); break;
    case 2: PENUMBRA_CONSTANT("fldl2e"); break;
    case 3: PENUMBRA_CONSTANT("fldpi"); break;
    case 4: PENUMBRA_CONSTANT("fldlg2"); break;
    case 5: PENUMBRA_CONSTANT("fldln2"); break;
    default: return {};
  }
  return value(x);
}

}  // namespace penumbra::x87::host
