// Bochs VBE: the DISPI registers, their modes, banks, the PCI frame buffer and the register BAR.
#include <doctest/doctest.h>

#include "tests/support/vga_rig.h"

namespace penumbra {
namespace {

TEST_CASE("DISPI identity and capabilities") {
  VgaRig rig;
  CHECK(rig.read_dispi(0) == 0xB0C5);
  rig.dispi(0, 0xB0C2);
  CHECK(rig.read_dispi(0) == 0xB0C2);
  rig.dispi(0, 0xB0CF);
  CHECK(rig.read_dispi(0) == 0xB0C2);
  CHECK(rig.read_dispi(10) == 256);
  CHECK(rig.read_dispi(0x55) == 0);
  rig.dispi(1, 800);
  rig.dispi(4, 0x02);
  CHECK(rig.read_dispi(1) == 2560);
  CHECK(rig.read_dispi(2) == 1600);
  CHECK(rig.read_dispi(3) == 32);
  rig.dispi(4, 0);
  CHECK(rig.read_dispi(1) == 800);
  // The data register's aligned alias.
  rig.ports.out(0x1CE, Width::word, 1);
  CHECK(rig.ports.in(0x1D0, Width::word) == 800);
  CHECK(rig.ports.in(0x1CF, Width::byte) == (800 & 0xFF));
  CHECK(rig.ports.in(0x1D0, Width::byte) == 800 >> 8);
}

TEST_CASE("a mode that cannot be is refused register by register") {
  VgaRig rig;
  rig.dispi(1, 1024);
  rig.dispi(1, 2561);
  CHECK(rig.read_dispi(1) == 1024);
  rig.dispi(2, 768);
  rig.dispi(2, 1601);
  CHECK(rig.read_dispi(2) == 768);
  rig.dispi(3, 16);
  rig.dispi(3, 17);
  CHECK(rig.read_dispi(3) == 16);
  rig.dispi(3, 0);
  CHECK(rig.read_dispi(3) == 8);
}

TEST_CASE("enabling sets the virtual screen and clears memory unless told not to") {
  VgaRig rig;
  rig.dispi_mode(640, 480, 32);
  CHECK(rig.read_dispi(6) == 640);
  CHECK(rig.read_dispi(7) == (16 << 20) / (640 * 4));
  rig.poke(0xA0000, 0x12);
  rig.dispi_mode(640, 480, 32, 0xC1);
  CHECK(rig.peek(0xA0000) == 0x12);
  rig.dispi(4, 0x41);  // enabled already: no mode is set
  CHECK(rig.peek(0xA0000) == 0x12);
  rig.dispi_mode(640, 480, 32);
  CHECK(rig.peek(0xA0000) == 0);
}

TEST_CASE("pixels of every depth") {
  VgaRig rig;
  rig.grey_palette();
  struct Case {
    u16 bpp;
    std::vector<u8> bytes;
    u32 color;
  };
  for (const Case& c :
       {Case{8, {0x99}, VgaRig::color_of(0x99)}, Case{15, {0x1F, 0x40}, 0x8400FF}, Case{16, {0xE0, 0x87}, 0x84FF00},
        Case{24, {1, 2, 3}, 0x030201}, Case{32, {4, 5, 6, 0xEE}, 0x060504}}) {
    CAPTURE(c.bpp);
    rig.dispi_mode(800, 600, c.bpp);
    const u32 bytes = (c.bpp + 7) / 8;
    const u32 at = (599 * 800 + 799) * bytes;
    rig.dispi(5, static_cast<u16>(at >> 16));
    for (u32 i = 0; i < bytes; ++i) rig.poke(0xA0000 + ((at + i) & 0xFFFF), c.bytes[i]);
    CHECK(rig.render());
    CHECK(rig.picture.width == 800);
    CHECK(rig.picture.height == 600);
    CHECK(rig.pixel(799, 599) == c.color);
    CHECK(rig.pixel(798, 599) == 0);
    CHECK_FALSE(rig.render());
  }
}

TEST_CASE("planar 4 bpp has planes larger than 64 KiB") {
  VgaRig rig;
  rig.set_mode(kPlanar640x480);
  rig.dispi_mode(1024, 768, 4);
  rig.graphics(5, 2);
  rig.graphics(8, 0x01);
  constexpr u32 at = 767 * 128 + 127;
  rig.dispi(5, at >> 16);
  rig.poke(0xA0000 + (at & 0xFFFF), 0x09);
  rig.render();
  CHECK(rig.picture.width == 1024);
  CHECK(rig.pixel(1023, 767) == VgaRig::color_of(0x39));
  CHECK(rig.pixel(1022, 767) == VgaRig::color_of(0));
  rig.dispi(6, 2048);
  rig.dispi(5, 0);
  rig.graphics(8, 0x10);
  rig.poke(0xA0000 + 256 + 1, 0x0C);  // row 1, pixel 11
  rig.dispi(9, 1);
  rig.dispi(8, 10);
  rig.render();
  CHECK(rig.pixel(1, 0) == VgaRig::color_of(0x3C));
}

TEST_CASE("virtual width and offsets") {
  VgaRig rig;
  rig.dispi_mode(640, 480, 32);
  rig.dispi(6, 1000);
  CHECK(rig.read_dispi(6) == 1000);
  CHECK(rig.read_dispi(7) == (16 << 20) / 4000);
  rig.memory.access_write(PhysAddr(0xA0000 + 4000 * 3 + 4 * 7), Width::dword, 0x00ABCDEF);
  rig.dispi(8, 7);
  rig.dispi(9, 3);
  rig.render();
  CHECK(rig.pixel(0, 0) == 0x00ABCDEF);
  rig.dispi(6, 100);  // narrower than the picture
  CHECK(rig.read_dispi(6) == 640);
  rig.dispi(6, 60000);  // more than memory holds
  CHECK(rig.read_dispi(6) == 640);
  rig.dispi(8, 0xFFFF);
  rig.dispi(9, 0xFFFF);
  rig.render();  // shows the end of memory
  CHECK(rig.picture.width == 640);
}

TEST_CASE("the largest picture fits memory") {
  VgaRig rig;
  rig.dispi_mode(2560, 1600, 32);
  rig.render();
  CHECK(rig.picture.pixels.size() == 2560 * 1600);
  rig.dispi(1, 0);
  rig.dispi(2, 0);
  rig.render();
  CHECK(rig.picture.pixels.size() == 1);
}

TEST_CASE("Palette Address Source blanks DISPI modes too") {
  VgaRig rig;
  rig.dispi_mode(640, 480, 32);
  rig.poke(0xA0000, 0xFF);
  rig.in(0x3DA);
  rig.out(0x3C0, 0x00);
  rig.clock.advance(milliseconds(60));
  rig.render();
  CHECK(rig.pixel(0, 0) == 0);
  rig.in(0x3DA);
  rig.out(0x3C0, 0x20);
  rig.render();
  CHECK(rig.pixel(0, 0) == 0x0000FF);
}

// Gives the function's windows to guest memory as the PCI bus does.
struct OnPci final : PciHost {
  OnPci() { rig.vga.connect(*this); }
  void windows_changed() override {
    const PciWindow& frame_buffer = rig.vga.windows()[Vga::kFrameBufferBar];
    const PciWindow& registers = rig.vga.windows()[Vga::kRegisterBar];
    rig.memory.unmap("bar 0");
    rig.memory.unmap("bar 2");
    if (frame_buffer.wanted) rig.memory.map_device_memory(PhysAddr(*frame_buffer.wanted), frame_buffer.memory, "bar 0");
    if (registers.wanted)
      rig.memory.map_mmio(PhysAddr(*registers.wanted), registers.bytes, *registers.registers, "bar 2");
  }
  void interrupt_changed(PciFunction&) override {}
  VgaRig rig;
};

TEST_CASE("the frame buffer in BAR 0 and the registers in BAR 2") {
  OnPci pci;
  VgaRig& rig = pci.rig;
  CHECK(rig.vga.config_read(0x00, Width::dword) == 0x11111234);
  CHECK(rig.vga.config_read(0x0A, Width::word) == 0x0300);
  CHECK(rig.vga.config_read(0x10, Width::dword) == 0xE0000008);
  rig.vga.config_write(0x10, Width::dword, 0xFFFFFFFF);
  CHECK(rig.vga.config_read(0x10, Width::dword) == 0xFF000008);
  rig.vga.config_write(0x10, Width::dword, 0xE0000000);
  rig.vga.config_write(0x18, Width::dword, 0xFEBF0000);
  rig.vga.config_write(0x04, Width::word, 0x0003);

  const auto bar = [&](u32 offset, Width width) {
    return rig.memory.access_read(PhysAddr(0xFEBF0000 + offset), width);
  };
  const auto set_bar = [&](u32 offset, Width width, u32 value) {
    rig.memory.access_write(PhysAddr(0xFEBF0000 + offset), width, value);
  };
  CHECK(bar(0x500, Width::word) == 0xB0C5);
  CHECK(bar(0x514, Width::word) == 256);
  CHECK(bar(0x600, Width::dword) == 8);
  CHECK(bar(0x604, Width::dword) == 0x1E1E1E1E);
  set_bar(0x502, Width::word, 1024);
  set_bar(0x504, Width::word, 768);
  set_bar(0x506, Width::word, 32);
  set_bar(0x508, Width::word, 0x41);
  CHECK(bar(0x50C, Width::word) == 1024);
  bar(0x400 + 0x1A, Width::byte);  // input status 1
  set_bar(0x400, Width::byte, 0x20);
  rig.memory.store<u32>(PhysAddr(0xE0000000 + 4 * (1024 * 767 + 1023)), 0x55123456);
  rig.render();
  CHECK(rig.picture.width == 1024);
  CHECK(rig.pixel(1023, 767) == 0x123456);
  set_bar(0x400 + 0x08, Width::byte, 9);
  CHECK(rig.in(0x3C8) == 9);
  set_bar(0x400 + 0x04, Width::word, 0x0E04);
  CHECK(rig.in(0x3C5) == 0x0E);
}

}  // namespace
}  // namespace penumbra
