// ModRM, SIB, REX and prefixes (SDM 2 chapter 2).
#include "translator/assembler.h"

#include "core/base/check.h"

namespace penumbra {

namespace {

constexpr u8 kMov[] = {0x8B}, kMovStore[] = {0x89}, kMovImmediate[] = {0xC7}, kLea[] = {0x8D}, kMovzx[] = {0x0F, 0xB7},
             kMovzxByte[] = {0x0F, 0xB6}, kGroup3[] = {0xF7}, kMovByte[] = {0x8A};

bool is_byte(u32 displacement) { return displacement + 0x80 < 0x100; }

}  // namespace

void Assembler::prefix(const Form& form, unsigned reg, unsigned rm, unsigned index, bool window) {
  if (window) {
    byte(0x65);
    byte(0x67);
  }
  for (const u8 p : form.prefixes)
    if (p) byte(p);
  const unsigned rex = (form.wide ? 8 : 0) | (reg & 8 ? 4 : 0) | (index & 8 ? 2 : 0) | (rm & 8 ? 1 : 0);
  if (rex) byte(0x40 | rex);
  bytes(form.opcode);
}

void Assembler::with_register(const Form& form, unsigned reg, unsigned rm) {
  prefix(form, reg, rm, 0, false);
  byte(0xC0 | (reg & 7) << 3 | (rm & 7));
}

void Assembler::with_memory(const Form& form, unsigned reg, const HostAddress& a) {
  constexpr u8 kNone = HostAddress::kNone;
  const bool based = a.base != kNone;
  const bool indexed = a.index != kNone;
  prefix(form, reg, based ? a.base : 0, indexed ? a.index : 0, a.window);
  const unsigned field = (reg & 7) << 3;
  if (!based) {
    // Without a base there is always a SIB: ModRM alone would be relative to RIP.
    byte(0x04 | field);
    byte(a.scale << 6 | (indexed ? a.index & 7 : 4u) << 3 | 5);
    dword(a.displacement);
    return;
  }
  const bool sib = indexed || (a.base & 7) == 4;
  const bool none = a.displacement == 0 && (a.base & 7) != 5;
  const unsigned mod = none ? 0 : is_byte(a.displacement) ? 1 : 2;
  byte(mod << 6 | field | (sib ? 4 : a.base & 7));
  if (sib) byte(a.scale << 6 | (indexed ? a.index & 7 : 4u) << 3 | (a.base & 7));
  if (mod == 1) byte(a.displacement & 0xFF);
  if (mod == 2) dword(a.displacement);
}

void Assembler::move(Host to, Host from) { with_register({.opcode = kMov}, to, from); }
void Assembler::move(Host to, u32 immediate) {
  if (to & 8) byte(0x41);
  byte(0xB8 | (to & 7));
  dword(immediate);
}
void Assembler::load(Host to, const HostAddress& from) { with_memory({.opcode = kMov}, to, from); }
void Assembler::load_wide(Host to, const HostAddress& from) { with_memory({.opcode = kMov, .wide = true}, to, from); }
void Assembler::store(const HostAddress& to, Host from) { with_memory({.opcode = kMovStore}, from, to); }
void Assembler::store(const HostAddress& to, u32 immediate) {
  with_memory({.opcode = kMovImmediate}, 0, to);
  dword(immediate);
}
void Assembler::address(Host to, const HostAddress& of) {
  // LEA ignores segments, and a 32-bit destination is the sum cut to 32 bits.
  HostAddress plain = of;
  plain.window = false;
  with_memory({.opcode = kLea}, to, plain);
}
void Assembler::address_wide(Host to, const HostAddress& of) { with_memory({.opcode = kLea, .wide = true}, to, of); }
void Assembler::zero_extend_byte(Host to, Host from) {
  // Without a REX prefix 4 to 7 are AH to BH.
  CHECK_THAT(from < 4 || from >= 8, "register {}", static_cast<unsigned>(from));
  with_register({.opcode = kMovzxByte}, to, from);
}
void Assembler::swap_bytes(Host r) {
  if (r & 8) byte(0x41);
  byte(0x0F);
  byte(0xC8 | (r & 7));
}
void Assembler::swap_bytes_wide(Host r) {
  byte(0x48 | (r & 8 ? 1 : 0));
  byte(0x0F);
  byte(0xC8 | (r & 7));
}
void Assembler::exchange_bytes(Host r) {
  byte(0x86);
  byte(0xC0 | r << 3 | (r + 4));
}
void Assembler::move_byte(Host to, Host from) { with_register({.opcode = kMovByte}, to, from); }
void Assembler::complement_wide(Host r) { with_register({.opcode = kGroup3, .wide = true}, 2, r); }
void Assembler::zero_extend_word(Host to, Host from) { with_register({.opcode = kMovzx}, to, from); }

u64 Assembler::jump() {
  byte(0xE9);
  dword(0);
  return size() - 4;
}
u64 Assembler::call() {
  byte(0xE8);
  dword(0);
  return size() - 4;
}
u64 Assembler::jump_if(unsigned condition) {
  byte(0x0F);
  byte(0x80 | condition);
  dword(0);
  return size() - 4;
}
u64 Assembler::jump_if_ecx_zero() {
  byte(0x67);
  byte(0xE3);
  byte(0);
  return size() - 1;
}
void Assembler::bind(u64 place, u64 target) {
  if (overflow_) return;
  const i32 displacement = static_cast<i32>(static_cast<i64>(target) - static_cast<i64>(place + 4));
  for (unsigned n = 0; n < 4; ++n) start_[place + n] = static_cast<u8>(static_cast<u32>(displacement) >> (8 * n));
}
void Assembler::bind_short(u64 place, u64 target) {
  const i64 distance = static_cast<i64>(target) - static_cast<i64>(place + 1);
  CHECK_THAT(distance >= -0x80 && distance < 0x80, "a short jump of {} bytes", distance);
  if (!overflow_) start_[place] = static_cast<u8>(distance);
}
void Assembler::code_address(Host to, u64 target) {
  byte(0x48 | (to & 8 ? 4 : 0));
  byte(0x8D);
  byte(0x05 | (to & 7) << 3);
  dword(static_cast<u32>(target - (size() + 4)));
}
void Assembler::jump_to(i64 offset) {
  byte(0xE9);
  dword(static_cast<u32>(offset - static_cast<i64>(size() + 4)));
}
void Assembler::call_to(i64 offset) {
  byte(0xE8);
  dword(static_cast<u32>(offset - static_cast<i64>(size() + 4)));
}

}  // namespace penumbra
