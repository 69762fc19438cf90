// Guest machine code for tests, written down byte by byte with a little help for what tests need often.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

class GuestCode {
 public:
  GuestCode() = default;
  GuestCode(std::initializer_list<int> bytes) { (*this)(bytes); }

  GuestCode& operator()(std::initializer_list<int> bytes) {
    for (const int b : bytes) bytes_.push_back(static_cast<u8>(b));
    return *this;
  }
  GuestCode& dword(u32 value) {
    for (unsigned n = 0; n < 4; ++n) bytes_.push_back(static_cast<u8>(value >> (8 * n)));
    return *this;
  }
  // mov reg, value
  GuestCode& mov(unsigned reg, u32 value) { return (*this)({static_cast<int>(0xB8 | reg)}).dword(value); }
  // mov dword [address], value
  GuestCode& poke(u32 address, u32 value) { return (*this)({0xC7, 0x05}).dword(address).dword(value); }
  // mov byte [address], value
  GuestCode& poke_byte(u32 address, u8 value) { return (*this)({0xC6, 0x05}).dword(address)({value}); }
  // The last opcode byte of a branch, and its displacement, in code that stands at `origin`.
  GuestCode& branch(int opcode, u32 origin, u32 target) {
    (*this)({opcode});
    return dword(target - (origin + size() + 4));
  }
  // jmp and call to an absolute address, from code that stands at `origin`
  GuestCode& jump(u32 origin, u32 target) { return branch(0xE9, origin, target); }
  GuestCode& call(u32 origin, u32 target) { return branch(0xE8, origin, target); }
  GuestCode& nops(u32 count) {
    bytes_.insert(bytes_.end(), count, 0x90);
    return *this;
  }
  GuestCode& hlt() { return (*this)({0xF4}); }
  // int 30h: how user code ends
  GuestCode& leave() { return (*this)({0xCD, 0x30}); }

  u32 size() const { return static_cast<u32>(bytes_.size()); }
  std::span<const u8> bytes() const { return bytes_; }

 private:
  std::vector<u8> bytes_;
};

}  // namespace penumbra
