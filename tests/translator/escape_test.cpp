// The window cannot be left: every form of address, with registers at and around the edges, stores where the
// interpreter stores and nowhere else. Pages of the host's just outside of the windows' guards stay whole.
#include <doctest/doctest.h>

#include <fstream>
#include <memory>
#include <string>

#include "mmu/window.h"
#include "tests/support/canary_page.h"
#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

constexpr u32 kLast = 0xFFFF'F000, kHalf = 0x8000'0000;
constexpr u32 kFrame = 0x60000, kOther = 0x62000;

// The bases of the windows of this process, by their guards: no 4 GiB of hole stand between two others so far down.
std::vector<u64> window_bases() {
  std::vector<u64> bases;
  std::ifstream maps("/proc/self/maps");
  u64 previous_end = 0;
  for (std::string line; std::getline(maps, line);) {
    const u64 start = std::stoull(line, nullptr, 16);
    const u64 end = std::stoull(line.substr(line.find('-') + 1), nullptr, 16);
    const bool guards = start - previous_end == Window::kBytes && start >> 44 == 1;
    if (guards) bases.push_back(previous_end);
    previous_end = end;
  }
  return bases;
}

struct EscapeRig : TranslatedCpu {
  EscapeRig() {
    compared_bytes = 0x80000;
    audited = false;
    // Just outside of both guards, where carries out of 32 bits would land, and in the low 4 GiB, where an access
    // without GS would.
    for (const u64 base : window_bases())
      for (const u64 at : {base - Window::kGuard - kPageSize, base + Window::kBytes + Window::kGuard, base - kHalf,
                           base - (u64{1} << 32) + kData, base + Window::kBytes + kData,
                           base + (u64{2} << 32) - kPageSize, base + (u64{2} << 32)})
        canaries.push_back(std::make_unique<CanaryPage>(at));
    for (const u64 at : {u64{kData}, u64{kFsBase}, u64{kHalf}, u64{kLast}, u64{0x7FFF'F000}})
      canaries.push_back(std::make_unique<CanaryPage>(at));
    // What the guest stands on cannot be written to, or all that follows would end in a shutdown.
    for (u32 page = kGdt; page < kData; page += kPageSize)
      if (page != kKernelStack - kPageSize) map(page, page, pte::P | pte::U);
    each([](TestMachine& m) { m.cpu.cr0 |= cr0::WP; });
    map(kLast, kFrame, pte::All);
    map(kHalf, kFrame + 0x1000, pte::All);
    map(kHalf - 0x1000, kOther, pte::All);
    map(0, kOther + 0x1000, pte::All);
    each([](TestMachine& m) { m.cpu.flush_tlb(); });
    open_fs_gs();
  }

  ~EscapeRig() {
    translated.translator->audit();
    CHECK(completed_ * 10 >= ran_);  // many fault, but not nearly all
  }

  u32 random() {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<u32>(state_ >> 32);
  }
  u32 edge() {
    constexpr u32 kEdges[] = {0,           1,     4,     0x7FFF'FFFF,  kHalf,  kHalf - 4, 0xFFFF'FFFF, 0xFFFF'FFFC,
                              0xFFFF'FFFE, kLast, kData, kData + 0x80, 0xFFFF, 0x8000,    0x10000,     kFsBase};
    const u32 choice = random();
    return choice % 8 == 0 ? random()
                           : kEdges[(choice >> 4) % std::size(kEdges)] + (choice >> 16 & 1 ? choice >> 28 : 0);
  }
  void edge_registers() {
    for (unsigned n = 0; n < 8; ++n) set(n, edge());
    each([](TestMachine& m) { m.cpu.flags.load(eflags::kFixedOne); });
  }
  // Runs an instruction on both, whatever becomes of it; true if both agree and nothing outside was touched.
  bool holds(const GuestCode& instruction) {
    GuestCode code = instruction;
    code.hlt();
    load(kCode, code);
    start_at(kCode);
    std::string before;
    for (unsigned n = 0; n < 8; ++n) before += fmt::format("{:x} ", interpreted.cpu.gpr[n]);
    const RunEnd a = interpreted.run(3000), b = translated.run(3000, TestMachine::long_enough(a));
    const std::string differs = difference(kUndefined);
    ++ran_;
    completed_ += b == RunEnd::halted && vector() < 0;
    bool whole = true;
    for (const auto& canary : canaries) whole &= canary->whole();
    if (a == b && differs.empty() && whole) return reset_after_shutdown(), true;
    std::string bytes;
    for (const u8 byte : instruction.bytes()) bytes += fmt::format("{:02x} ", byte);
    FAIL_CHECK(fmt::format("{}with {}: {} canaries {} ends {} {}", bytes, before, differs, whole, static_cast<int>(a),
                           static_cast<int>(b)));
    return false;
  }
  bool some_canaries() const {
    unsigned placed = 0;
    for (const auto& canary : canaries) placed += canary->placed();
    return placed >= 8;
  }

  std::vector<std::unique_ptr<CanaryPage>> canaries;

 private:
  // BT and its family leave OF, SF, AF and PF undefined.
  static constexpr u32 kUndefined = eflags::OF | eflags::SF | eflags::AF | eflags::PF;
  void reset_after_shutdown() {
    each([](TestMachine& m) {
      m.cpu.shutdown = m.cpu.halted = false;
      m.cpu.state_changed();
    });
    for (u32 at = kOther + 0x1000; at < kOther + 0x1000 + 64; at += 4) store(at, 0);
  }
  u64 state_ = 20240501;
  u64 ran_ = 0, completed_ = 0;
};

// ModRM (and SIB) with displacements of these sizes for one opcode.
template <class Check>
void all_forms(EscapeRig& rig, std::initializer_list<int> opcode, int reg, Check check) {
  constexpr u32 kDisplacements[] = {0, 0x7F, 0xFFFF'FF80, kHalf, kHalf - 2, 0xFFFF'FFFC, kData, 0x7FFF'FFFF};
  for (int mod = 0; mod < 3; ++mod)
    for (int rm = 0; rm < 8; ++rm)
      for (int sib = rm == 4 ? 0 : 255; sib < 256; ++sib) {
        const bool absolute = mod == 0 && (rm == 5 || (rm == 4 && (sib & 7) == 5));
        const u32 displacement = kDisplacements[rig.random() % std::size(kDisplacements)];
        GuestCode code(opcode);
        code({mod << 6 | reg << 3 | rm});
        if (rm == 4) code({sib});
        if (mod == 1) code({static_cast<int>(displacement & 0xFF)});
        if (mod == 2 || absolute) code.dword(displacement);
        if (!check(code)) return;
      }
}

TEST_CASE("there are canaries beside the windows") {
  EscapeRig rig;
  if (TranslatedCpu::default_options().mmu == MmuKind::soft) return;  // no windows
  CHECK(window_bases().size() >= 2);
  CHECK(rig.some_canaries());
}

TEST_CASE("stores by every ModRM and SIB") {
  EscapeRig rig;
  for (unsigned round = 0; round < 3; ++round)
    all_forms(rig, {0x89}, 0, [&](const GuestCode& code) {  // mov [..], eax
      rig.edge_registers();
      rig.set(ESP, round == 0 ? kKernelStack - 0x400 : rig.edge());
      return rig.holds(code);
    });
}

TEST_CASE("loads, exchanges and LEA by every ModRM and SIB") {
  EscapeRig rig;
  for (const int opcode : {0x8B, 0x87, 0x8D, 0x01})
    all_forms(rig, {opcode}, static_cast<int>(rig.random() & 7), [&](const GuestCode& code) {
      rig.edge_registers();
      return rig.holds(code);
    });
}

// Bytes, because an operand that reaches over the end of a 4 GiB segment may or may not fault (SDM 3A 5.3).
TEST_CASE("segment overrides with bases, at every ModRM and SIB") {
  EscapeRig rig;
  for (const int prefix : {0x64, 0x65, 0x2E, 0x36})
    all_forms(rig, {prefix, prefix == 0x2E ? 0x8A : 0x88}, 3, [&](const GuestCode& code) {
      rig.edge_registers();
      return rig.holds(code);
    });
}

TEST_CASE("16-bit addresses, with and without overrides") {
  EscapeRig rig;
  for (const int prefix : {0x90, 0x64, 0x65})
    for (const int opcode : {0x89, 0x8B, 0x8D, 0x00, 0xFF})
      for (int mod = 0; mod < 3; ++mod)
        for (int rm = 0; rm < 8; ++rm) {
          GuestCode code{prefix, 0x67, opcode, mod << 6 | (opcode == 0xFF ? 6 : 2) << 3 | rm};  // FF /6: push
          const int displacement = static_cast<int>(rig.edge() & 0xFFFF);
          if (mod == 1) code({displacement});
          if (mod == 2 || (mod == 0 && rm == 6)) code({displacement & 0xFF, displacement >> 8});
          for (unsigned n = 0; n < 4; ++n) {
            rig.edge_registers();
            if (!rig.holds(code)) return;
          }
        }
}

TEST_CASE("moffs at and above 80000000h") {
  EscapeRig rig;
  for (const int opcode : {0xA0, 0xA1, 0xA2, 0xA3})
    for (const int prefix : {0x90, 0x64, 0x65, 0x66})
      for (const u32 address : {0u, kHalf, kHalf - 2, kLast, 0xFFFF'FFFCu, 0xFFFF'FFFDu, 0xFFFF'FFFFu, kData}) {
        // Reaching over the end of a based segment may or may not fault, see above.
        const u32 last = opcode & 1 ? address + 3 : address;
        const bool based = (prefix & 0xFE) == 0x64;
        rig.edge_registers();
        if (!(based && last < address) && !rig.holds(GuestCode{prefix, opcode}.dword(address))) return;
        const GuestCode word{prefix, 0x67, opcode, static_cast<int>(address & 0xFF),
                             static_cast<int>(address >> 8 & 0xFF)};
        rig.edge_registers();
        if (!rig.holds(word)) return;
      }
}

TEST_CASE("bit offsets far outside of their operand") {
  EscapeRig rig;
  for (unsigned round = 0; round < 400; ++round) {
    constexpr int kOpcodes[] = {0xA3, 0xAB, 0xB3, 0xBB};  // bt bts btr btc
    const int opcode = kOpcodes[rig.random() % 4];
    const int base = static_cast<int>(rig.random() & 7), reg = static_cast<int>(rig.random() & 7);
    const int prefix = round % 3 == 0 ? 0x66 : round % 7 == 0 ? 0x64 : 0x90;
    rig.edge_registers();
    GuestCode code{prefix, 0x0F, opcode, 0x80 | reg << 3 | base};
    if (base == 4) code({0x24});
    code.dword(rig.edge());
    if (!rig.holds(code)) return;
  }
}

TEST_CASE("the stack anywhere") {
  EscapeRig rig;
  const GuestCode codes[] = {{0x50},
                             {0x5B},
                             {0xE8, 0x00, 0x00, 0x00, 0x00},
                             {0x68, 0x04, 0x00, 0x02, 0x00, 0xC3},
                             {0x8F, 0x03},
                             {0x8F, 0x04, 0x24},
                             {0xFF, 0x36},
                             {0xC9},
                             {0x54},
                             {0x5C},
                             {0x60},
                             {0x61},
                             {0x9C},
                             {0xC8, 0x20, 0x00, 0x03}};
  for (unsigned round = 0; round < 12; ++round)
    for (const GuestCode& code : codes)
      for (const u32 esp : {0u, 4u, 0xFFFF'FFFCu, 0xFFFF'FFFEu, kHalf, kHalf + 2, 1u}) {
        rig.edge_registers();
        rig.set(ESP, esp);
        if (!rig.holds(code)) return;
      }
}

TEST_CASE("strings at both ends and over the middle") {
  EscapeRig rig;
  for (const bool down : {false, true})
    for (const int opcode : {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF})
      for (unsigned round = 0; round < 24; ++round) {
        rig.edge_registers();
        rig.set(ECX, rig.random() % 4 ? rig.random() % 64 : rig.edge() & 0xFFFF);
        rig.set(ESP, kKernelStack - 0x400);
        constexpr int kPrefixes[] = {0x90, 0x66, 0xF3, 0xF2, 0x67};
        GuestCode code{down ? 0xFD : 0xFC, kPrefixes[rig.random() % 5], kPrefixes[rig.random() % 4]};
        code({opcode});
        if (!rig.holds(code)) return;
      }
}

TEST_CASE("wide operands at the ends") {
  EscapeRig rig;
  const GuestCode codes[] = {{0xDB, 0x3B},              // fstp m80
                             {0xDB, 0x2B},              // fld m80
                             {0xDD, 0x13},              // fst m64
                             {0x0F, 0x11, 0x03},        // movups
                             {0x0F, 0x29, 0x03},        // movaps
                             {0x0F, 0x7F, 0x03},        // movq m64, mm0
                             {0x66, 0x0F, 0xE7, 0x03},  // movntdq
                             {0x0F, 0xC7, 0x0B},        // cmpxchg8b
                             {0x0F, 0xAE, 0x03},        // fxsave
                             {0xDD, 0x33}};             // fnsave
  // A store of 80 bits is two for the host: the first may happen before the second faults.
  const auto in_two_stores = [](const GuestCode& code, u32 address) {
    return code.bytes()[0] == 0xDB && code.bytes()[1] == 0x3B && (address & kPageMask) > kPageSize - 10;
  };
  for (const GuestCode& code : codes)
    for (const u32 address : {kLast + 0xFF0, 0xFFFF'FFF6u, 0xFFFF'FFF8u, 0xFFFF'FFF7u, 0xFFFF'FFFFu, kHalf - 8,
                              kHalf - 4, kHalf + 0xFF8, kHalf + 0xFFC, kLast - 4, 0u}) {
      rig.edge_registers();
      if (in_two_stores(code, address)) continue;
      rig.each([](TestMachine& m) { m.cpu.x87 = {}, m.cpu.x87.control = 0x37F; });
      rig.set(EBX, address);
      rig.set(ESP, kKernelStack - 0x400);
      if (!rig.holds(code)) return;
    }
}

}  // namespace
}  // namespace penumbra
