// The keys of an enhanced (101 to 106 keys) keyboard and what each sends in scan code sets 2 and 3; set 1 is the key's
// own code (core/platform/input.h).
#pragma once

#include "core/platform/input.h"

namespace penumbra {

struct ScanCode {
  KeyCode key;
  u8 set2;  // after E0h where the key's code has E0h in its high byte
  u8 set3;  // 0: the set has none
};

// Keys that take part in sequences of their own.
inline constexpr KeyCode kKeyControl = 0x1D;
inline constexpr KeyCode kKeyRightControl = 0xE01D;
inline constexpr KeyCode kKeyLeftShift = 0x2A;
inline constexpr KeyCode kKeyRightShift = 0x36;
inline constexpr KeyCode kKeyAlt = 0x38;
inline constexpr KeyCode kKeyRightAlt = 0xE038;
inline constexpr KeyCode kKeySysRq = 0x54;
inline constexpr KeyCode kKeyPrintScreen = 0xE037;
inline constexpr KeyCode kKeyPause = 0xE11D;
inline constexpr KeyCode kKeyBreak = 0xE046;
// Not a key: what Print Screen sends around itself.
inline constexpr KeyCode kFakeShift = 0xE02A;

// The key's row, or null for a code that is no key.
const ScanCode* find_scan_code(KeyCode key);

}  // namespace penumbra
