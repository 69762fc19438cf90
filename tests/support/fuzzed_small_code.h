// 16-bit guest code made from a fuzz input, for real mode, virtual-8086 mode and 16-bit segments: 16-bit operands and
// addresses mostly, each now and then the other way by its prefix. Nothing in it is undefined; jumps go forward, and
// loops have counts.
#pragma once

#include <array>
#include <vector>

#include "tests/support/fuzz_input.h"

namespace penumbra {

class FuzzedSmallCode {
 public:
  explicit FuzzedSmallCode(FuzzInput& input) : input_(input) {}

  std::vector<u8> make(unsigned instructions) {
    for (unsigned n = 0; n < instructions && !input_.empty(); ++n) add();
    byte(0xF4);
    return bytes_;
  }

 private:
  void byte(u32 value) { bytes_.push_back(static_cast<u8>(value)); }
  void random(unsigned count) {
    for (; count; --count) byte(input_.byte());
  }
  unsigned reg() {
    constexpr unsigned kSp = 4;
    const unsigned n = input_.byte() & 7;
    return n == kSp ? 0 : n;
  }

  // Prefixes and how many bytes an operand and a displacement have under them.
  struct Sizes {
    unsigned operand, address;
  };
  Sizes prefixes() {
    const u8 choice = input_.byte();
    // Not CS: code that was written to could be anything.
    constexpr std::array<u8, 5> kSegments{0x26, 0x36, 0x3E, 0x64, 0x65};
    if ((choice & 3) == 0) byte(kSegments[input_.byte() % kSegments.size()]);
    if (choice & 4 && choice & 8) byte(0x66);
    const bool wide_address = (choice & 0x70) == 0x70;
    if (wide_address) byte(0x67);
    return {choice & 4 && choice & 8 ? 4u : 2u, wide_address ? 4u : 2u};
  }
  // A ModRM byte with its operand in memory or a register that is not SP.
  void operand(unsigned field, unsigned address) {
    const u8 choice = input_.byte();
    if ((choice & 3) == 0) {
      byte(0xC0 | field << 3 | reg());
    } else if (address == 2) {
      const unsigned mod = choice >> 2 & 3, rm = input_.byte() & 7;
      const unsigned used = mod == 3 ? 1 : mod;
      byte(used << 6 | field << 3 | rm);
      random(used == 0 ? (rm == 6 ? 2 : 0) : used);
    } else {
      byte(field << 3 | 5);  // [disp32], within 64 KiB most of the time
      random(2);
      byte(0);
      byte((choice & 0xF0) == 0xF0);
    }
  }

  // CMP AL, AL: after an operation that leaves AF undefined.
  void define_flags() {
    byte(0x38);
    byte(0xC0);
  }

  void add() {
    switch (input_.byte() % 14) {
      case 0:
      case 1:
      case 2: {  // ADD to CMP, register and operand, either way, bytes or words
        const Sizes s = prefixes();
        byte((input_.byte() & 7) << 3 | (input_.byte() & 3));
        operand(reg(), s.address);
        define_flags();
        break;
      }
      case 3: {
        const Sizes s = prefixes();
        byte(0x81);
        operand(input_.byte() & 7, s.address);
        random(s.operand);
        define_flags();
        break;
      }
      case 4: {
        const Sizes s = prefixes();
        byte(input_.byte() & 1 ? 0x89 : 0x8B);
        operand(reg(), s.address);
        break;
      }
      case 5: {
        const Sizes s = prefixes();
        byte(0xB8 | reg());
        random(s.operand);
        break;
      }
      case 6: byte(0x40 | (input_.byte() & 1) << 3 | reg()); break;  // INC, DEC
      case 7: byte((input_.byte() & 1 ? 0x50 : 0x58) | reg()); break;
      case 8: {  // shifts and rotates by one
        const Sizes s = prefixes();
        constexpr std::array<u8, 7> kKinds{0, 1, 2, 3, 4, 5, 7};
        byte(0xD0 | (input_.byte() & 1));
        operand(kKinds[input_.byte() % kKinds.size()], s.address);
        define_flags();
        break;
      }
      case 9:  // a string instruction, repeated a few times
        byte(0xB9);
        byte(input_.byte() & 0x1F);
        byte(0);
        byte(input_.byte() & 1 ? 0xF3 : 0xF2);
        byte(std::array<u8, 5>{0xA4, 0xA5, 0xAA, 0xAB, 0xAD}[input_.byte() % 5]);
        break;
      case 10: {  // a jump over a MOV
        constexpr std::array<u8, 2> kOthers{0xEB, 0xE3};
        byte(input_.byte() & 7 ? 0x70 | (input_.byte() & 15) : kOthers[input_.byte() & 1]);
        byte(3);
        byte(0xB8 | reg());
        random(2);
        break;
      }
      case 11:  // a loop of one INC
        byte(0xB9);
        byte(1 + (input_.byte() & 0x3F));
        byte(0);
        byte(0x40);
        byte(0xE2);
        byte(0xFD);
        break;
      case 12: {  // a call of the next instruction but one, which drops the return address
        byte(0xE8);
        byte(1);
        byte(0);
        byte(0x90);
        byte(0x58 | reg());
        break;
      }
      default: {
        const Sizes s = prefixes();
        byte(0x0F);
        byte(std::array<u8, 4>{0xB6, 0xBE, 0x90, 0x44}[input_.byte() & 3]);  // MOVZX, MOVSX, SETO, CMOVZ
        operand(reg(), s.address);
      }
    }
  }

  FuzzInput& input_;
  std::vector<u8> bytes_;
};

}  // namespace penumbra
