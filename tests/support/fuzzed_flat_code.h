// Flat 32-bit guest code made from a fuzz input, with nothing in it that the manuals leave undefined: two engines must
// agree on all of its effects. Jumps go forward, so that every piece ends.
#pragma once

#include <array>
#include <vector>

#include "tests/support/fuzz_input.h"
#include "tests/support/fuzzed_code.h"

namespace penumbra {

class FuzzedFlatCode {
 public:
  // The code may be written at `alias`.
  FuzzedFlatCode(FuzzInput& input, u32 alias) : input_(input), alias_(alias) {}

  std::vector<u8> make(unsigned instructions, u32 most_bytes) {
    for (unsigned n = 0; n < instructions && bytes_.size() + 64 < most_bytes && !input_.empty(); ++n) {
      starts_.push_back(at());
      add();
    }
    starts_.push_back(at());
    byte(0xF4);
    for (const Jump& jump : jumps_) bind(jump);
    for (const u32 patch : patches_) {
      const u32 slot = slots_.empty() ? at() - 1 : slots_[bytes_[patch] % slots_.size()];
      put(patch, alias_ + slot, 4);
      if (slots_.empty()) bytes_[patch + 4] = 0xF4;
    }
    return bytes_;
  }

 private:
  struct Jump {
    u32 place;
    u32 bytes;
    u8 choice;
  };

  u32 at() const { return static_cast<u32>(bytes_.size()); }
  void byte(u32 value) { bytes_.push_back(static_cast<u8>(value)); }
  void dword(u32 value) {
    for (unsigned shift = 0; shift < 32; shift += 8) byte(value >> shift);
  }
  void put(u32 place, u32 value, u32 count) {
    for (u32 n = 0; n < count; ++n) bytes_[place + n] = static_cast<u8>(value >> (8 * n));
  }
  // To the start of a later instruction, as far as its displacement reaches.
  void bind(const Jump& jump) {
    const u32 end = jump.place + jump.bytes;
    std::vector<u32> targets;
    for (const u32 start : starts_)
      if (start >= end && (jump.bytes == 4 || start - end < 0x80)) targets.push_back(start);
    put(jump.place, targets.empty() ? 0 : targets[jump.choice % targets.size()] - end, jump.bytes);
  }
  void jump(u32 bytes) {
    jumps_.push_back({at(), bytes, input_.byte()});
    for (u32 n = 0; n < bytes; ++n) byte(0);
  }

  // A ModRM byte with what belongs to it.
  void operand(unsigned reg) {
    const u8 choice = input_.byte();
    const unsigned mod = choice >> 6, rm = choice & 7;
    byte(mod << 6 | (reg & 7) << 3 | rm);
    if (mod == 3) return;
    unsigned base = rm;
    if (rm == 4) {
      const u8 sib = input_.byte();
      byte(sib);
      base = sib & 7;
    }
    if (mod == 1) byte(input_.byte());
    if (mod == 2 || (mod == 0 && (rm == 5 || (rm == 4 && base == 5)))) dword(edge_value(input_));
  }
  unsigned reg() { return input_.byte() & 7; }
  void segment() {
    constexpr std::array<u8, 6> kOverrides = {0x64, 0x65, 0x26, 0x2E, 0x36, 0x3E};
    if (const u8 choice = input_.byte(); choice < 48) byte(kOverrides[choice % kOverrides.size()]);
  }
  // cmp r, r: every arithmetic flag is defined again.
  void define_flags() { byte(0x39), byte(0xC0 | (input_.byte() & 0x3F)); }

  void add() {
    switch (input_.byte() % 20) {
      case 0:
      case 1: {  // the eight operations, all forms
        segment();
        if (input_.byte() < 40) byte(0x66);
        const u8 what = input_.byte();
        byte((what & 0x38) | (what & 3));
        operand(reg());
        break;
      }
      case 2: {
        segment();
        constexpr std::array<u8, 3> kGroup1 = {0x80, 0x81, 0x83};
        const u8 opcode = kGroup1[input_.byte() % 3];
        byte(opcode);
        operand(reg());
        opcode == 0x81 ? dword(edge_value(input_)) : byte(input_.byte());
        break;
      }
      case 3:
      case 4: {  // mov, xchg, test, lea
        segment();
        if (input_.byte() < 40) byte(0x66);
        constexpr std::array<u8, 8> kMoves = {0x88, 0x89, 0x8A, 0x8B, 0x86, 0x87, 0x84, 0x85};
        byte(kMoves[input_.byte() % kMoves.size()]);
        operand(reg());
        break;
      }
      case 5:
        byte(0xB8 | reg());
        dword(edge_value(input_));
        break;
      case 6: {  // push, pop, call through memory and registers; leave
        constexpr std::array<u8, 6> kStack = {0x50, 0x58, 0x50, 0x58, 0x9C, 0xC9};
        const u8 opcode = kStack[input_.byte() % kStack.size()];
        byte(opcode < 0x60 ? opcode | reg() : opcode);
        break;
      }
      case 7:
        segment();
        byte(input_.byte() & 1 ? 0xFF : 0x8F);
        operand(bytes_.back() == 0xFF ? 6 : 0);
        break;
      case 8: {  // strings
        constexpr std::array<u8, 10> kStrings = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};
        byte(input_.byte() & 1 ? 0xFC : 0xFD);
        byte(0x81), byte(0xE1), dword(0x1FFF);  // and ecx: a bounded count
        segment();
        if (input_.byte() & 1) byte(input_.byte() & 1 ? 0xF3 : 0xF2);
        byte(kStrings[input_.byte() % kStrings.size()]);
        break;
      }
      case 9:
        byte(0x70 | (input_.byte() & 15));
        jump(1);
        break;
      case 10:
        byte(0x0F), byte(0x80 | (input_.byte() & 15));
        jump(4);
        break;
      case 11:
        byte(input_.byte() & 1 ? 0xE9 : 0xE8);
        jump(4);
        break;
      case 12:  // loop, jecxz
        byte(input_.byte() & 1 ? 0xE2 : 0xE3);
        jump(1);
        break;
      case 13:  // shifts, multiplication: some flags are undefined behind them
        segment();
        byte(0xC1);
        operand(input_.byte() & 7);
        byte(input_.byte());
        define_flags();
        break;
      case 14:
        segment();
        byte(0x0F), byte(0xAF);
        operand(reg());
        define_flags();
        break;
      case 15: {  // not, neg, mul, imul, div, idiv
        segment();
        byte(0xF6 | (input_.byte() & 1));
        operand(2 + input_.byte() % 6);
        define_flags();
        break;
      }
      case 16: {  // bt family, movzx, movsx, setcc, cmov, xadd, cmpxchg
        constexpr std::array<u8, 16> kTwoByte = {0xA3, 0xAB, 0xB3, 0xBB, 0xB6, 0xB7, 0xBE, 0xBF,
                                                 0x94, 0x92, 0x44, 0x4F, 0xC0, 0xC1, 0xB0, 0xB1};
        const u8 opcode = kTwoByte[input_.byte() % kTwoByte.size()];
        segment();
        byte(0x0F), byte(opcode);
        operand(reg());
        if (opcode == 0xA3 || opcode == 0xAB || opcode == 0xB3 || opcode == 0xBB) define_flags();
        break;
      }
      case 17: {  // SSE2 moves and integers
        constexpr std::array<u8, 10> kPacked = {0x6F, 0x7F, 0xEF, 0xFE, 0xD4, 0x76, 0x60, 0xDB, 0x6E, 0x7E};
        segment();
        byte(0x66), byte(0x0F), byte(kPacked[input_.byte() % kPacked.size()]);
        operand(reg());
        break;
      }
      case 18:  // inc, dec; some are patched later
        slots_.push_back(at());
        byte(0x40 | (input_.byte() & 15));
        break;
      case 19:  // mov byte [through the alias], inc or dec
        byte(0xC6), byte(0x05);
        patches_.push_back(at());
        dword(input_.byte());
        byte(0x40 | (input_.byte() & 15));
        break;
    }
  }

  FuzzInput& input_;
  u32 alias_;
  std::vector<u8> bytes_;
  std::vector<u32> starts_, slots_, patches_;
  std::vector<Jump> jumps_;
};

}  // namespace penumbra
