// A processor with half a mebibyte of memory, put by a fuzz input into any mode a guest could have brought it to.
#pragma once

#include <cstdlib>

#include "core/cpu/cpu.h"
#include "tests/support/fuzz_input.h"
#include "tests/support/fuzzed_code.h"

namespace penumbra {

struct FuzzedInterrupts final : InterruptSource {
  bool pending() const override { return waiting > 0; }
  unsigned char acknowledge() override { return static_cast<u8>(waiting-- * 5); }
  int waiting = 0;
};

// Any register, of ports as of memory: answers change, and some accesses do what devices do to the processor.
struct FuzzedDevice final : PortHandler, MmioHandler {
  explicit FuzzedDevice(GuestMemory& memory) : memory_(memory) {}
  u32 port_in(u16 port, Width width) override { return answer(port) & all_ones(width); }
  void port_out(u16 port, Width, u32 value) override { act(port, value); }
  u32 mmio_read(PhysAddr address, Width width) override {
    if ((address.value & kPageMask) + bytes_of(width) > kPageSize) std::abort();
    return answer(static_cast<u32>(address.value)) & all_ones(width);
  }
  void mmio_write(PhysAddr address, Width width, u32 value) override {
    if ((address.value & kPageMask) + bytes_of(width) > kPageSize) std::abort();
    act(static_cast<u32>(address.value), value);
  }

  void reset() { state_ = 1; }

  Cpu* cpu = nullptr;

 private:
  u32 answer(u32 where) { return state_ = state_ * 0x9E37'79B1 + where; }
  void act(u32 where, u32 value) {
    switch (where & 15) {
      case 0: memory_.set_a20(value & 1); break;
      case 1: cpu->stop_soon(); break;
      case 2: cpu->stop_for_owner(); break;
      case 3: cpu->raise_nmi(); break;
      case 4: memory_.store<u32>(PhysAddr(0x10000 + (value & 0x3FFF)), value); break;  // DMA into code
      case 5: memory_.set_shadow_ram(PhysAddr(0xC0000), 0x4000, value & 1, value & 2); break;
      default: state_ += value;
    }
  }

  GuestMemory& memory_;
  u32 state_ = 1;
};

struct FuzzedProcessor {
  static constexpr u32 kGdt = 0x1000, kIdt = 0x2000, kTss = 0x3000, kLdt = 0x3800, kDirectory = 0x4000, kTable = 0x5000,
                       kDirectoryPointers = 0x8000, kCode = 0x10000, kStack = 0x20000, kMmio = 0x60000, kRom = 0x70000,
                       kDeviceMemory = 0x78000, kRamBytes = 0x80000;

  explicit FuzzedProcessor(std::string_view model)
      : memory(kRamBytes, trace),
        ports(trace),
        device(memory),
        cpu({memory, ports, interrupts, clock, nullptr, trace}, *cpu_model_named(model)),
        frame_buffer(2 * kPageSize) {
    device.cpu = &cpu;
    ports.claim({0, 0x7FFF}, device, Width::dword);
    memory.map_mmio(PhysAddr(kMmio), kPageSize, device, "registers");
    memory.map_rom(PhysAddr(kRom), std::vector<u8>(kPageSize, 0x90), "rom");
    memory.map_device_memory(PhysAddr(kDeviceMemory), {frame_buffer.data(), frame_buffer.size()}, "frame buffer");
  }

  void begin(FuzzInput& input) {
    interrupts.waiting = 0;
    device.reset();
    memory.set_a20(true);
    cpu.set_ignne(false);
    std::fill(frame_buffer.begin(), frame_buffer.end(), u8{0});
    const u8 fill = input.byte();
    std::fill(blank.begin(), blank.end(), fill & 0x80 ? fill : 0);
    memory.write(PhysAddr(0), blank);
    // As after a reset, without dropping all caches here too.
    static_cast<CpuState&>(cpu) = CpuState{};
    for (Segment& s : cpu.segment) {
      s.access = 0x93;
      s.limit = 0xFFFF;
    }
    for (unsigned r = 0; r < 8; ++r) cpu.gpr[r] = edge_value(input);
    make_tables(input);
    const u8 environment = input.byte();
    if (environment % 6 == 0) {
      enter_real(input);
    } else {
      enter_protected(input, environment % 6 != 1, environment);
    }
    random_extras(input);
    cpu.state_changed();
  }

  void check() {
    if (cpu.gpr[8] != 0 || cpu.cpl > 3) std::abort();
    if (cpu.x87.top > 7) std::abort();
    if ((cpu.cr0 & cr0::PG) && !(cpu.cr0 & cr0::PE)) std::abort();
    if (cpu.v86() && (cpu.cpl != 3 || !cpu.protected_mode())) std::abort();
  }

  void save_and_load() {
    StateWriter before;
    cpu.visit_state(before);
    StateReader reader(before.bytes());
    cpu.visit_state(reader);
    StateWriter after;
    cpu.visit_state(after);
    if (after.bytes() != before.bytes()) std::abort();
    cpu.state_changed();
  }

  Trace trace;
  ManualClock clock;
  FuzzedInterrupts interrupts;
  GuestMemory memory;
  PortBus ports;
  FuzzedDevice device;
  Cpu cpu;
  std::vector<u8> frame_buffer;
  std::vector<u8> blank = std::vector<u8>(kRamBytes);

 private:
  void descriptor(u32 table, u32 index, u32 base, u32 limit, u8 access, u8 attributes) {
    const u64 low = (limit & 0xFFFF) | u64{base & 0xFF'FFFF} << 16 | u64{access} << 40;
    memory.store<u64>(PhysAddr(table + 8 * index),
                      low | u64{(limit >> 16 & 15) | (attributes & 0xF0u)} << 48 | u64{base >> 24} << 56);
  }

  // Segments 1-8 are usable, the others anything; gates lead into the code or anywhere.
  void make_tables(FuzzInput& input) {
    constexpr u8 kAccess[] = {0x9B, 0x93, 0xFB, 0xF3, 0x9F, 0x97, 0xBB, 0x91};
    const u8 attributes = input.byte() & 1 ? 0xC0 : 0x80;
    for (u32 n = 1; n <= 8; ++n) descriptor(kGdt, n, 0, 0xFFFFF, kAccess[n - 1], n & 1 || n > 4 ? attributes : 0xC0);
    descriptor(kGdt, 9, kTss, input.byte() & 1 ? 0x67 : 0x7FF, 0x89, 0);
    descriptor(kGdt, 10, kLdt, 0xFF, 0x82, 0);
    descriptor(kGdt, 11, kTss + 0x200, 0x67, input.byte() & 1 ? 0x81 : 0x89, 0);
    for (u32 n = 12; n < 16; ++n) {
      const bool gate = input.byte() & 1;
      if (gate)
        any_gate(input, kGdt, n);
      else
        descriptor(kGdt, n, edge_value(input), edge_value(input) & 0xFFFFF, input.byte(), input.byte());
    }
    const u64 gate = memory.load<u64>(PhysAddr(kGdt + 8 * 12));
    const u8 kind = input.byte();
    for (u32 vector = 0; vector < 256; ++vector) {
      // Interrupt and trap gates of ring 0, a task gate among them.
      const u64 offset = kCode + (vector * 16 & 0x3FFF);
      const u64 type = vector % 23 == 22 ? 0x85 : (kind & 1 ? 0xEE : 0x8E) | (vector & kind >> 1 & 1);
      memory.store<u64>(PhysAddr(kIdt + 8 * vector), (offset & 0xFFFF) | (offset >> 16) << 48 | type << 40 |
                                                         (vector % 23 == 22 ? u64{11 * 8} : u64{1 * 8}) << 16);
      memory.store<u32>(PhysAddr(4 * vector), static_cast<u32>(kCode >> 4) << 16 | (vector * 16 & 0x3FFF));
    }
    for (u8 n = input.byte() % 8; n > 0; --n) any_gate(input, kIdt, input.byte());
    if (kind & 0x80) memory.store<u64>(PhysAddr(kIdt + 8 * 13), gate);
    for (u32 at = 0; at < 0x68; at += 4) memory.store<u32>(PhysAddr(kTss + at), kStack + 0x800 * (at / 4));
    for (const u32 at : {8u, 16u, 24u}) memory.store<u32>(PhysAddr(kTss + at), 2 * 8 + at / 8 - 1);
    memory.store<u32>(PhysAddr(kTss + 0x64), 0x68u << 16);
    // The second task: a state to switch to.
    const u32 task[] = {kDirectory, kCode, 0x202, 1, 2, 3, 4, kStack, 5, 6, 7, 0x10, 0x08, 0x10, 0x10, 0x10, 0x10, 0};
    for (u32 n = 0; n < std::size(task); ++n) memory.store<u32>(PhysAddr(kTss + 0x200 + 0x1C + 4 * n), task[n]);
    for (u8 n = input.byte() % 8; n > 0; --n)
      memory.store<u32>(PhysAddr(kTss + (input.word() & 0x2FF)), edge_value(input));
  }

  void any_gate(FuzzInput& input, u32 table, u32 index) {
    const u64 offset = input.byte() & 1 ? kCode + (input.byte() & 0xFF0u) : edge_value(input);
    const u64 selector = input.byte() & 1 ? 8u : input.byte() & 0x7Fu;
    memory.store<u64>(PhysAddr(table + 8 * index), (offset & 0xFFFF) | offset >> 16 << 48 | selector << 16 |
                                                       u64{input.byte()} << 40 | u64{input.byte() & 31u} << 32);
  }

  // Identity mapping of RAM and some odd entries; in PAE form or not.
  void make_pages(FuzzInput& input, bool pae) {
    const u32 width = pae ? 8 : 4;
    const auto entry = [&](u32 table, u32 index, u64 value) {
      if (pae)
        memory.store<u64>(PhysAddr(table + 8 * index), value);
      else
        memory.store<u32>(PhysAddr(table + 4 * index), static_cast<u32>(value));
    };
    for (u32 n = 0; n < kPageSize / width; ++n)
      entry(kTable, n, (n < kRamBytes / kPageSize + 4 ? u64{n} << 12 : u64{n * 7 % 128} << 12) | 0x07);
    entry(kDirectory, 0, kTable | 0x07);
    for (u32 n = 1; n < 8; ++n) entry(kDirectory, n, n & 1 ? kTable | 0x07u : 0x87u);
    for (u32 n = 0; n < 4; ++n) memory.store<u64>(PhysAddr(kDirectoryPointers + 8 * n), kDirectory | 1);
    entry(kDirectory, kPageSize / width - 1, kDirectory | 0x07);
    for (u8 n = input.byte() % 24; n > 0; --n) {
      const u32 table = input.byte() & 3 ? kTable : kDirectory;
      const u32 index = table == kTable ? input.byte() % 0x88 : input.word() % (kPageSize / width);
      const u64 frame = input.byte() & 1 ? u64{input.byte() & 0x7Fu} << 12 : u64{input.dword()} << 12;
      entry(table, index, frame | input.byte() | (pae && input.byte() & 1 ? u64{input.byte()} << 56 : 0));
    }
  }

  void load_segment(unsigned n, u32 index, unsigned rpl) {
    const u64 image = memory.load<u64>(PhysAddr(kGdt + 8 * index));
    Segment& s = cpu.segment[n];
    s.selector = static_cast<u16>(8 * index | rpl);
    s.access = static_cast<u8>(image >> 40);
    s.big = image >> 54 & 1;
    s.granular = image >> 55 & 1;
    s.base = static_cast<u32>((image >> 16 & 0xFF'FFFF) | image >> 56 << 24);
    const u32 limit = static_cast<u32>((image & 0xFFFF) | (image >> 32 & 0xF'0000));
    s.limit = s.granular ? limit << 12 | 0xFFF : limit;
  }

  void enter_real(FuzzInput& input) {
    for (Segment& s : cpu.segment) {
      s.selector = static_cast<u16>(input.byte() & 1 ? 0 : edge_value(input));
      s.base = u32{s.selector} << 4;
    }
    cpu.segment[CS].selector = kCode >> 4;
    cpu.segment[CS].base = kCode;
    cpu.eip = 0;
    cpu.gpr[ESP] = input.byte() & 1 ? 0x8000 : cpu.gpr[ESP];
    if (input.byte() & 1)  // "unreal" mode: limits from an earlier life
      for (unsigned n : {ES, SS, DS, FS}) cpu.segment[n].limit = 0xFFFF'FFFF;
    cpu.gdtr = {kGdt, 0x7FF};
    if (input.byte() & 1) cpu.idtr = {input.byte() & 1 ? kIdt : 0, static_cast<u16>(edge_value(input))};
  }

  void enter_protected(FuzzInput& input, bool paging, u8 environment) {
    const u8 options = input.byte();
    const bool user = options & 1;
    const u32 base = user ? 3 : 1;
    cpu.cr0 |= cr0::PE;
    load_segment(CS, base, user ? 3 : 0);
    for (unsigned n : {SS, DS, ES, FS, GS}) load_segment(n, base + 1, user ? 3 : 0);
    cpu.cpl = user ? 3 : 0;
    cpu.gdtr = {kGdt, 0x7F};
    cpu.idtr = {kIdt, 0x7FF};
    cpu.tr = {};
    cpu.tr.selector = 9 * 8;
    cpu.tr.access = 0x8B;
    cpu.tr.base = kTss;
    cpu.tr.limit = options & 2 ? 0x67 : 0x7FF;
    cpu.ldtr = {};
    cpu.ldtr.selector = 10 * 8;
    cpu.ldtr.access = 0x82;
    cpu.ldtr.base = kLdt;
    cpu.ldtr.limit = 0xFF;
    cpu.eip = kCode;
    if (options & 4) cpu.gpr[ESP] = kStack + 0x1000;
    const u32 cr4_allowed = cpu.model().cr4_mask();
    cpu.cr4 = input.word() & cr4_allowed & ~cr4::PAE;
    const bool pae = (options & 8) && (cr4_allowed & cr4::PAE);
    make_pages(input, pae);
    if (paging) {
      if (pae) cpu.cr4 |= cr4::PAE;
      cpu.cr3 = pae ? kDirectoryPointers : kDirectory;
      if (pae)
        for (u64& pointer : cpu.pdpte) pointer = kDirectory | 1;
      if (options & 16) cpu.efer = pae && cpu.model().name == "p4" ? efer::NXE : 0;
      cpu.cr0 |= cr0::PG | (options & 32 ? cr0::WP : 0);
    }
    if (environment % 6 == 5) {  // virtual-8086 mode
      cpu.flags.load(cpu.flags.value() | eflags::VM | (options & 64 ? eflags::IOPL : 0));
      cpu.cpl = 3;
      for (Segment& s : cpu.segment) {
        s = {};
        s.selector = static_cast<u16>(edge_value(input));
        s.access = 0xF3;
        s.base = u32{s.selector} << 4;
        s.limit = 0xFFFF;
      }
      cpu.segment[CS].selector = kCode >> 4;
      cpu.segment[CS].base = kCode;
      cpu.eip = 0;
    }
  }

  void random_extras(FuzzInput& input) {
    const u8 what = input.byte();
    u32 image = cpu.flags.value();
    if (what & 1) image |= eflags::IF;
    if (what & 2) image |= input.byte() << 8 & (eflags::TF | eflags::DF | eflags::IOPL | eflags::NT);
    if (what & 4) image |= eflags::AC;
    cpu.flags.load(image);
    if (what & 4) cpu.cr0 |= cr0::AM;
    if (what & 8) cpu.cr0 |= input.byte() & (cr0::MP | cr0::EM | cr0::TS | cr0::NE);
    if (what & 16) {
      for (unsigned n = 0; n < 4; ++n) cpu.dr[n] = edge_value(input);
      cpu.dr[7] = (input.dword() & 0xFFFF'23FF) | 0x400;
    }
    if (what & 32) {
      for (Float80& r : cpu.x87.registers) r = {u64{input.dword()} << 32 | input.byte(), input.word()};
      cpu.x87.control = input.word() & 0x0F7F;
      cpu.x87.valid = input.byte();
      cpu.x87.top = input.byte() & 7;
      cpu.x87.status = input.byte() & 0x7F;
      cpu.mxcsr = input.word() & cpu.model().mxcsr_mask;
    }
    if (what & 64) {
      cpu.sysenter_cs = input.byte();
      cpu.sysenter_esp = edge_value(input);
      cpu.sysenter_eip = kCode + input.byte();
    }
  }
};

}  // namespace penumbra
