// Guest code made from the bytes of a fuzz input: plain bytes, any opcode with any operand, and the system instructions
// and table entries that random bytes would rarely give.
#pragma once

#include <array>

#include "mmu/guest_memory.h"
#include "tests/support/fuzz_input.h"

namespace penumbra {

// Values near which accesses go wrong: edges of pages, segments, tables and the address space.
inline u32 edge_value(FuzzInput& input) {
  constexpr std::array<u32, 24> kValues = {
      0,           1,           0x7F,        0x80,        0xFF,        0x7FFF,      0x8000,      0xFFFF,
      0x10000,     0x1000,      0x2000,      0x3000,      0x4000,      0x5000,      0x8000'0000, 0x7FFF'FFFF,
      0xFFFF'FFFF, 0xFFFF'F000, 0x0006'0000, 0x0007'0000, 0x0007'8000, 0x0008'0000, 0x2'0000,    0xC000'0000};
  const u8 choice = input.byte();
  if (choice >= 0xE0) return input.dword();
  return kValues[choice % kValues.size()] +
         static_cast<u32>(static_cast<i8>(input.byte() & 0x8F ? input.byte() % 9 - 4 : 0));
}

class FuzzedCode {
 public:
  explicit FuzzedCode(FuzzInput& input) : input_(input) {}

  void add() {
    switch (input_.byte() % 12) {
      case 0:
        for (int n = input_.byte() % 16; n > 0; --n) byte(input_.byte());
        break;
      case 1:
      case 2:
      case 3:
      case 4: any_instruction(); break;
      case 5:  // mov r32, imm32 whatever the code size (the prefix makes it 16 bits in 32-bit code)
        if (input_.byte() & 1) byte(0x66);
        byte(static_cast<u8>(0xB8 | (input_.byte() & 7)));
        dword(edge_value(input_));
        break;
      case 6:
      case 7: system_instruction(); break;
      case 8:  // mov dword [table], value by a 32-bit address
        byte(0x67);
        byte(0xC7), byte(0x05);
        dword(0x1000 + (input_.word() & 0x7FFF));
        dword(input_.dword());
        break;
      case 9:  // a repeated string instruction
        byte(input_.byte() & 1 ? 0xF3 : 0xF2);
        if (input_.byte() & 1) byte(0x67);
        if (input_.byte() & 1) byte(0x66);
        byte(kStrings[input_.byte() % kStrings.size()]);
        break;
      case 10:  // far jump or call
        byte(input_.byte() & 1 ? 0xEA : 0x9A);
        dword(edge_value(input_));
        byte(input_.byte()), byte(0);
        break;
      case 11:  // mov segment, register of a small selector
        byte(0xB8), byte(static_cast<u8>(input_.byte() & 0x7F)), byte(0);
        byte(0x8E), byte(static_cast<u8>(0xC0 | (input_.byte() & 0x38)));
        break;
    }
  }
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  static constexpr std::array<u8, 14> kStrings = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC,
                                                  0xAD, 0xAE, 0xAF, 0x6C, 0x6D, 0x6E, 0x6F};

  void byte(u32 value) { bytes_.push_back(static_cast<u8>(value)); }
  void dword(u32 value) {
    for (unsigned shift = 0; shift < 32; shift += 8) byte(value >> shift);
  }

  void any_instruction() {
    constexpr std::array<u8, 11> kPrefixes = {0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26, 0x2E, 0x36, 0x3E, 0x64, 0x65};
    for (u8 choice = input_.byte(); choice & 0x80; choice = static_cast<u8>(choice << 1))
      byte(kPrefixes[(choice ^ input_.byte()) % kPrefixes.size()]);
    if (input_.byte() & 1) byte(0x0F);
    byte(input_.byte());
    byte(input_.byte());
    const u8 more = input_.byte();
    if (more & 1) byte(input_.byte());
    if (more & 2) dword(edge_value(input_));
    if (more & 4) byte(input_.byte());
    if (more & 8) dword(edge_value(input_));
  }

  void system_instruction() {
    const u8 reg = input_.byte() & 7;
    switch (input_.byte() % 16) {
      case 0:
      case 1: byte(0x0F), byte(0x22), byte(0xC0 | (input_.byte() % 5) << 3 | reg); break;  // mov crn, r
      case 2: byte(0x0F), byte(0x23), byte(0xC0 | (input_.byte() & 7) << 3 | reg); break;  // mov drn, r
      case 3:  // lgdt, lidt and others with a 32-bit address
        byte(0x67), byte(0x0F), byte(0x01), byte(0x05 | (input_.byte() & 7) << 3);
        dword(edge_value(input_));
        break;
      case 4:
        byte(0xB8), byte(input_.byte() & 0x7F), byte(0), byte(0x0F), byte(0x00), byte(0xD0 | (reg & 1) << 3);
        break;
      case 5: byte(0x9C); break;
      case 6: byte(0x9D); break;
      case 7: byte(0xCF); break;
      case 8: byte(0xCD), byte(input_.byte()); break;
      case 9: byte(0x0F), byte(0x30 | (input_.byte() & 7)); break;  // wrmsr, rdtsc, rdmsr, rdpmc, sysenter, sysexit
      case 10:  // mov ecx, a model-specific register's number; wrmsr
        byte(0x66), byte(0xB9), dword(input_.byte() & 1 ? 0x174u + reg % 3 : input_.word() & 0x2FFu);
        byte(0x0F), byte(0x30);
        break;
      case 11: byte(0xFB), byte(0xF4); break;
      case 12: byte(0x0F), byte(0xAE), byte(input_.byte()), dword(edge_value(input_)); break;  // fxsave and friends
      case 13: byte(0xD8 | reg), byte(input_.byte()), dword(edge_value(input_)); break;
      case 14: byte(0xCB), byte(input_.byte()); break;
      case 15:  // orl $image, (%esp); popf: sets TF, NT, VM, AC, IOPL
        byte(0x66), byte(0x68), dword(1u << (8 + reg + (input_.byte() & 8))), byte(0x66), byte(0x9D);
        break;
    }
  }

  FuzzInput& input_;
  std::vector<u8> bytes_;
};

inline void write_code(FuzzInput& input, GuestMemory& memory, u32 at, unsigned instructions) {
  FuzzedCode code(input);
  for (unsigned n = 0; n < instructions && !input.empty(); ++n) code.add();
  memory.write(PhysAddr(at), code.bytes());
}

}  // namespace penumbra
