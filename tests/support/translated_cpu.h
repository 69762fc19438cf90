// The same guest twice, once for the interpreter and once for the translator, in flat 32-bit protected mode with
// paging.
#pragma once

#include <fmt/format.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "core/cpu/cpu.h"
#include "tests/support/guest_code.h"
#include "translator/translator.h"

namespace penumbra {

// Hands out `vector` for as long as it waits.
struct OneInterrupt final : InterruptSource {
  bool pending() const override { return waiting; }
  unsigned char acknowledge() override {
    waiting = false;
    return vector;
  }
  bool waiting = false;
  u8 vector = 0x20;
};

// Where everything stands, physical and linear alike: the first 4 MiB are mapped to themselves, for all to write.
namespace guest_layout {
inline constexpr u32 kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kLdt = 0x3800, kHandlers = 0x4000,
                     kKernelStack = 0x8000, kDirectory = 0x10000, kTables = 0x11000, kCode = 0x20000, kData = 0x30000,
                     kUserStack = 0x40000, kFsBase = 0x50000, kGsBase = 0xFFFF'8000, kRam = u32{8} << 20;
inline constexpr u16 kCode0 = 0x08, kData0 = 0x10, kCode3 = 0x1B, kData3 = 0x23, kTssSelector = 0x28,
                     kLdtSelector = 0x30, kFs = 0x3B, kGs = 0x43, kReadOnly = 0x4B, kGate = 0x53, kConforming = 0x58,
                     kAbsent = 0x60;
// The gate that user code leaves by, and one to an interrupt handler that a test writes.
inline constexpr u8 kLeave = 0x30, kInterrupt = 0x20;
}  // namespace guest_layout

// Page table bits (SDM 3A 4.3).
namespace pte {
inline constexpr u32 P = 1, W = 2, U = 4, A = 0x20, D = 0x40, Large = 0x80, Global = 0x100, All = P | W | U;
}

struct TestMachine {
  TestMachine(std::string_view model, bool translated, const TranslatorOptions& options)
      : memory(guest_layout::kRam, trace),
        ports(trace),
        cpu({memory, ports, interrupts, clock, nullptr, trace}, *cpu_model_named(model)) {
    if (translated) translator = std::make_unique<Translator>(cpu, memory, options);
  }

  // `nanoseconds` is for emitted code that never ends.
  RunEnd run(u64 budget, i64 nanoseconds = kLong) {
    return translator ? translator->run(budget, nanoseconds) : cpu.run(budget);
  }
  // For code of which the interpreter has shown whether it ends.
  static constexpr i64 kLong = 20'000'000'000, kShort = 500'000;
  static constexpr i64 long_enough(RunEnd interpreted) { return interpreted == RunEnd::budget ? kShort : kLong; }

  Trace trace;
  ManualClock clock;
  OneInterrupt interrupts;
  GuestMemory memory;
  PortBus ports;
  Cpu cpu;
  std::unique_ptr<Translator> translator;
};

class TranslatedCpu {
 public:
  static constexpr u64 kBudget = 200'000;

  // PENUMBRA_TEST_REACH=soft, registers or windows: how emitted code reaches memory in tests that do not say so
  // themselves; windows unless set. test.sh runs these tests all three ways.
  static TranslatorOptions default_options() {
    const char* set = std::getenv("PENUMBRA_TEST_REACH");
    const std::string_view reach = set ? set : "windows";
    const MmuKind mmu = reach == "soft" ? MmuKind::soft : reach == "registers" ? MmuKind::registers : MmuKind::windows;
    return {.code_bytes = 8u << 20, .mmu = mmu, .promote_after = 0};
  }

  explicit TranslatedCpu(std::string_view model = "p4", const TranslatorOptions& options = default_options())
      : interpreted(model, false, options), translated(model, true, options) {
    each([](TestMachine& m) { start(m); });
    for (u32 page = 0; page < 0x400; ++page) map(page << kPageShift, page << kPageShift, pte::All);
  }

  // --- both machines ---

  template <class Do>
  void each(Do what) {
    what(interpreted);
    what(translated);
  }
  void load(u32 physical, std::span<const u8> bytes) {
    each([&](TestMachine& m) { m.memory.write(PhysAddr(physical), bytes); });
  }
  void load(u32 physical, const GuestCode& code) { load(physical, code.bytes()); }
  void store(u32 physical, u32 value) {
    each([&](TestMachine& m) { m.memory.store<u32>(PhysAddr(physical), value); });
  }
  void set(unsigned reg, u32 value) {
    each([&](TestMachine& m) { m.cpu.gpr[reg] = value; });
  }
  // A 4 KiB page; a table is made where there is none. Does not flush.
  void map(u32 linear, u32 physical, u32 bits) { store(entry_of(linear), physical | bits); }
  // Where the entry of a 4 KiB page stands.
  u32 entry_of(u32 linear) {
    using namespace guest_layout;
    const u32 directory = kDirectory + (linear >> 22) * 4;
    u32 table = interpreted.memory.load<u32>(PhysAddr(directory));
    if (!(table & pte::P)) {
      table = (kTables + tables_++ * kPageSize) | pte::All;
      store(directory, table);
    }
    return (table & ~kPageMask) + ((linear >> kPageShift) & 0x3FF) * 4;
  }
  void start_at(u32 eip) {
    each([&](TestMachine& m) {
      m.cpu.eip = eip;
      m.cpu.halted = false;
      m.cpu.state_changed();
    });
  }
  // CPL 3 with a stack of its own, FS and GS with bases.
  void become_user() {
    using namespace guest_layout;
    each([](TestMachine& m) {
      for (const unsigned s : {DS, ES, SS}) m.cpu.segment[s] = segment_of(m, kData3);
      m.cpu.segment[CS] = segment_of(m, kCode3);
      m.cpu.cpl = 3;
      m.cpu.gpr[ESP] = kUserStack;
      m.cpu.state_changed();
    });
  }
  void open_fs_gs() {
    each([](TestMachine& m) {
      m.cpu.segment[FS] = segment_of(m, guest_layout::kFs);
      m.cpu.segment[GS] = segment_of(m, guest_layout::kGs);
      m.cpu.state_changed();
    });
  }
  // Runs both until they halt; false if one does not.
  bool run(u64 budget = kBudget) {
    bool halted = true;
    each([&](TestMachine& m) { halted &= m.run(budget) == RunEnd::halted; });
    return halted;
  }
  // Runs the code from `eip` on until both halt, and tells what differs then.
  std::string run_at(u32 eip, u64 budget = kBudget) {
    start_at(eip);
    if (!run(budget)) return fmt::format("not halted: {} {}", where(interpreted), where(translated));
    return difference();
  }
  std::string run_code(const GuestCode& code, u64 budget = kBudget) {
    load(guest_layout::kCode, code);
    return run_at(guest_layout::kCode, budget);
  }

  // --- what came out; of the translated machine, for comparing with what a test expects ---

  u32 reg(unsigned n) const { return translated.cpu.gpr[n]; }
  u32 dword(u32 physical) { return translated.memory.load<u32>(PhysAddr(physical)); }
  // The vector whose handler both halted in, or -1.
  int vector() const {
    const u32 eip = translated.cpu.eip;
    return eip >= guest_layout::kHandlers && eip < guest_layout::kHandlers + 0x1000
               ? static_cast<int>((eip - guest_layout::kHandlers) / 16)
               : -1;
  }
  // Empty where both machines are alike.
  std::string difference(u32 ignored_flags = 0) {
    static constexpr const char* kNames[] = {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"};
    Cpu& a = interpreted.cpu;
    Cpu& b = translated.cpu;
    std::string text;
    const auto differ = [&](const char* name, u64 x, u64 y) {
      if (x != y) text += fmt::format("{} {:x} translated {:x}; ", name, x, y);
    };
    for (unsigned n = 0; n < 8; ++n) differ(kNames[n], a.gpr[n], b.gpr[n]);
    differ("eip", a.eip, b.eip);
    differ("eflags", a.flags.value() & ~ignored_flags, b.flags.value() & ~ignored_flags);
    differ("cpl", a.cpl, b.cpl);
    differ("cr0", a.cr0, b.cr0);
    differ("cr2", a.cr2, b.cr2);
    differ("cr3", a.cr3, b.cr3);
    differ("x87 status", a.x87.status_word(), b.x87.status_word());
    differ("x87 control", a.x87.control, b.x87.control);
    differ("x87 valid", a.x87.valid, b.x87.valid);
    differ("mxcsr", a.mxcsr, b.mxcsr);
    for (unsigned n = 0; n < 8; ++n) {
      differ("x87 significand", a.x87.registers[n].significand, b.x87.registers[n].significand);
      differ("x87 sign and exponent", a.x87.registers[n].sign_exponent, b.x87.registers[n].sign_exponent);
      differ("xmm low", a.xmm[n].qword[0], b.xmm[n].qword[0]);
      differ("xmm high", a.xmm[n].qword[1], b.xmm[n].qword[1]);
    }
    for (unsigned n = 0; n < 6; ++n) differ("selector", a.segment[n].selector, b.segment[n].selector);
    const u8* x = interpreted.memory.ram().data();
    const u8* y = translated.memory.ram().data();
    if (std::memcmp(x, y, compared_bytes) != 0) {
      unsigned shown = 0;
      for (u32 at = 0; at < compared_bytes && shown < 8; ++at)
        if (x[at] != y[at]) text += fmt::format("[{:x}] {:02x} translated {:02x}; ", at, x[at], y[at]), ++shown;
    }
    if (audited) translated.translator->audit();
    return text;
  }

  TestMachine interpreted, translated;
  // What `difference` looks at, for tests that call it very often.
  u32 compared_bytes = guest_layout::kRam;
  bool audited = true;

  // The machine in flat protected mode at CPL 0, with descriptors, gates and a stack; the page directory is empty.
  static void start(TestMachine& m) {
    using namespace guest_layout;
    constexpr u32 kWhole = 0xF'FFFF;
    constexpr u8 kBig = 0xC;
    const u64 gdt[] = {0,
                       descriptor(0, kWhole, 0x9B, kBig),
                       descriptor(0, kWhole, 0x93, kBig),
                       descriptor(0, kWhole, 0xFB, kBig),
                       descriptor(0, kWhole, 0xF3, kBig),
                       descriptor(kTss, 0x67, 0x8B, 0),
                       descriptor(kLdt, 0x2F, 0x82, 0),
                       descriptor(kFsBase, kWhole, 0xF3, kBig),
                       descriptor(kGsBase, kWhole, 0xF3, kBig),
                       descriptor(0, kWhole, 0xF1, kBig),
                       gate(kCode0, kHandlers + 0x400, 0xEC),
                       descriptor(0, kWhole, 0x9F, kBig),
                       descriptor(0, kWhole, 0x13, kBig)};
    m.memory.write(PhysAddr(kGdt), {reinterpret_cast<const u8*>(gdt), sizeof gdt});
    for (u32 vector = 0; vector < 256; ++vector) {
      const u8 access = vector == kLeave || vector == 3 || vector == 4 ? 0xEE : 0x8E;
      m.memory.store<u64>(PhysAddr(kIdt + 8 * vector), gate(kCode0, kHandlers + 16 * vector, access));
      m.memory.store<u8>(PhysAddr(kHandlers + 16 * vector), 0xF4);  // hlt
    }
    m.memory.store<u32>(PhysAddr(kTss + 4), kKernelStack);
    m.memory.store<u32>(PhysAddr(kTss + 8), kData0);
    m.memory.store<u32>(PhysAddr(kTss + 0x64), 0x68 << 16);  // no I/O permission map
    Cpu& c = m.cpu;
    c.reset();
    for (u32& r : c.gpr) r = 0;
    for (Segment& s : c.segment) s = segment_of(m, kData0);
    c.segment[CS] = segment_of(m, kCode0);
    c.segment[FS].make_unusable(0);
    c.segment[GS].make_unusable(0);
    c.tr = segment_of(m, kTssSelector);
    c.ldtr = segment_of(m, kLdtSelector);
    c.gdtr = {kGdt, sizeof gdt - 1};
    c.idtr = {kIdt, 0x7FF};
    c.gpr[ESP] = kKernelStack - 0x400;
    c.cr0 = cr0::PE | cr0::PG | cr0::NE | cr0::ET;
    c.cr3 = kDirectory;
    if (c.model().has(Feature::pse)) c.cr4 = cr4::PSE;
    if (c.model().has(Feature::fxsr)) c.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT;
    c.x87.control = 0x37F;
    c.state_changed();
  }

 private:
  static std::string where(const TestMachine& m) { return fmt::format("eip {:x} ecx {:x}", m.cpu.eip, m.cpu.gpr[ECX]); }

  static Segment segment_of(TestMachine& m, u16 selector) {
    const u64 image = m.memory.load<u64>(PhysAddr(guest_layout::kGdt + (selector & ~7u)));
    Segment s;
    s.selector = selector;
    s.access = static_cast<u8>(image >> 40);
    s.big = image >> 54 & 1;
    s.granular = image >> 55 & 1;
    s.base = static_cast<u32>((image >> 16 & 0xFF'FFFF) | image >> 56 << 24);
    const u32 limit = static_cast<u32>((image & 0xFFFF) | (image >> 32 & 0xF'0000));
    s.limit = s.granular ? limit << 12 | 0xFFF : limit;
    return s;
  }
  // SDM 3A 3.4.5: an 8-byte descriptor.
  static u64 descriptor(u32 base, u32 limit, u8 access, u8 flags) {
    return (limit & 0xFFFF) | u64{base & 0xFF'FFFF} << 16 | u64{access} << 40 | u64{limit >> 16 & 0xF} << 48 |
           u64{flags} << 52 | u64{base >> 24} << 56;
  }
  static u64 gate(u16 selector, u32 offset, u8 access) {
    return (offset & 0xFFFF) | u64{selector} << 16 | u64{access} << 40 | u64{offset >> 16} << 48;
  }

  u32 tables_ = 0;
};

}  // namespace penumbra
