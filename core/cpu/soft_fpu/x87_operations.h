// The portable x87's operations by file, behind `unary` and `two`. Arguments and answers are x87_arithmetic.h's.
#pragma once

#include "core/cpu/x87_arithmetic.h"

namespace penumbra::x87::portable {

// x87_exponent.cpp
X87Result scale(Float80 a, Float80 b, u16 control);
X87Result remainder(Two op, Float80 a, Float80 b, u16 control);

// x87_trigonometry.cpp
X87Result sine(Float80 a, u16 control);
X87Result cosine(Float80 a, u16 control);
X87Result arctangent(Float80 x, Float80 y, u16 control);

// x87_logarithm.cpp
X87Result power_minus_one(Float80 a, u16 control);
X87Result logarithm(Float80 x, Float80 y, u16 control);
X87Result logarithm_plus_one(Float80 x, Float80 y, u16 control);

}  // namespace penumbra::x87::portable
