// The DMA controllers against the 8237A datasheet: programming, modes, wrap, terminal count, page registers.
#include "devices/dma8237.h"

#include <doctest/doctest.h>

#include <vector>

namespace penumbra {
namespace {

struct Bench {
  Trace trace;
  PortBus ports{trace};
  GuestMemory memory{u64{4} << 20, trace};
  std::vector<u8> posts;
  Dma8237 dma{ports, memory, trace, [this](u8 code) { posts.push_back(code); }};

  Bench() { dma.reset(Reset::power_on); }

  void out(u16 port, u8 value) { ports.out(port, Width::byte, value); }
  u8 in(u16 port) { return static_cast<u8>(ports.in(port, Width::byte)); }

  // Programs channel 2 as a floppy driver does: masked, mode, address, page, count, unmasked.
  void program2(u8 mode, u32 address, u16 count) {
    out(0x0A, 0x06);
    out(0x0C, 0);
    out(0x0B, mode | 2);
    out(0x04, static_cast<u8>(address));
    out(0x04, static_cast<u8>(address >> 8));
    out(0x81, static_cast<u8>(address >> 16));
    out(0x05, static_cast<u8>(count));
    out(0x05, static_cast<u8>(count >> 8));
    out(0x0A, 0x02);
  }
  u16 count2() {
    out(0x0C, 0);
    const u8 low = in(0x05);
    return static_cast<u16>(low | in(0x05) << 8);
  }
  u16 address2() {
    out(0x0C, 0);
    const u8 low = in(0x04);
    return static_cast<u16>(low | in(0x04) << 8);
  }
};

std::vector<u8> counted(std::size_t size) {
  std::vector<u8> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<u8>(i * 7 + 1);
  return bytes;
}

TEST_CASE("dma: a sector reaches memory and terminal count masks the channel") {
  Bench b;
  b.program2(0x44, 0x12345, 511);
  const auto sector = counted(600);
  CHECK(b.dma.channel(2).transfer() == DmaTransfer::to_memory);
  CHECK(b.dma.channel(2).to_memory(sector) == 512);
  CHECK(b.dma.channel(2).terminal_count());
  CHECK_FALSE(b.dma.channel(2).ready());
  std::vector<u8> found(513);
  b.memory.read(PhysAddr(0x12345), found);
  CHECK(std::equal(found.begin(), found.end() - 1, sector.begin()));
  CHECK(found[512] == 0);
  CHECK(b.count2() == 0xFFFF);
  CHECK(b.address2() == 0x2545);
  CHECK((b.in(0x08) & 0x0F) == 0x04);
  CHECK((b.in(0x08) & 0x0F) == 0);  // cleared by reading
  CHECK(b.dma.channel(2).to_memory(sector) == 0);
}

TEST_CASE("dma: pieces add up, and terminal count comes only with the last one") {
  Bench b;
  b.program2(0x48, 0x20000, 99);
  const auto data = counted(100);
  b.memory.write(PhysAddr(0x20000), data);
  std::vector<u8> got(100);
  CHECK(b.dma.channel(2).from_memory(std::span(got).first(60)) == 60);
  CHECK_FALSE(b.dma.channel(2).terminal_count());
  CHECK(b.count2() == 39);
  CHECK(b.dma.channel(2).from_memory(std::span(got).subspan(60)) == 40);
  CHECK(b.dma.channel(2).terminal_count());
  CHECK(got == data);
}

TEST_CASE("dma: addresses wrap inside 64 KiB, upwards and downwards") {
  Bench b;
  b.program2(0x44, 0x3FFFE, 3);
  const std::vector<u8> data{1, 2, 3, 4};
  CHECK(b.dma.channel(2).to_memory(data) == 4);
  CHECK(b.memory.load<u8>(PhysAddr(0x3FFFE)) == 1);
  CHECK(b.memory.load<u8>(PhysAddr(0x3FFFF)) == 2);
  CHECK(b.memory.load<u8>(PhysAddr(0x30000)) == 3);
  CHECK(b.memory.load<u8>(PhysAddr(0x30001)) == 4);
  CHECK(b.memory.load<u8>(PhysAddr(0x40000)) == 0);

  b.program2(0x64, 0x50001, 3);  // address decrement
  CHECK(b.dma.channel(2).to_memory(data) == 4);
  CHECK(b.memory.load<u8>(PhysAddr(0x50001)) == 1);
  CHECK(b.memory.load<u8>(PhysAddr(0x50000)) == 2);
  CHECK(b.memory.load<u8>(PhysAddr(0x5FFFF)) == 3);
  CHECK(b.memory.load<u8>(PhysAddr(0x5FFFE)) == 4);
}

TEST_CASE("dma: word channels shift the address, ignore page bit 0 and wrap inside 128 KiB") {
  Bench b;
  b.out(0xD8, 0);  // flip-flop
  b.out(0xD6, 0x45);
  b.out(0xC4, 0xFF);  // word address FFFFh: the last word below 128 KiB
  b.out(0xC4, 0xFF);
  b.out(0x8B, 0x03);  // page 2 or 3: the same
  b.out(0xC6, 0x01);
  b.out(0xC6, 0x00);
  b.out(0xD4, 0x01);
  const std::vector<u8> data{0x11, 0x22, 0x33, 0x44, 0x55};
  CHECK(b.dma.channel(5).to_memory(data) == 4);
  CHECK(b.dma.channel(5).terminal_count());
  CHECK(b.memory.load<u16>(PhysAddr(0x3FFFE)) == 0x2211);
  CHECK(b.memory.load<u16>(PhysAddr(0x20000)) == 0x4433);
  CHECK((b.in(0xD0) & 0x0F) == 0x02);
}

TEST_CASE("dma: an odd byte stays with the device on word channels") {
  Bench b;
  b.out(0xD8, 0);
  b.out(0xD6, 0x45);
  for (const u8 byte : {0x00, 0x10}) b.out(0xC4, byte);
  for (const u8 byte : {0x10, 0x00}) b.out(0xC6, byte);
  b.out(0xD4, 0x01);
  CHECK(b.dma.channel(5).to_memory(counted(7)) == 6);
  CHECK(b.dma.channel(5).to_memory(counted(1)) == 0);
  CHECK_FALSE(b.dma.channel(5).terminal_count());
}

TEST_CASE("dma: autoinit reloads, stops the call at the block's end and goes on with the next") {
  Bench b;
  b.program2(0x54, 0x10000, 3);
  CHECK(b.dma.channel(2).to_memory(counted(6)) == 4);
  CHECK(b.dma.channel(2).terminal_count());
  CHECK(b.dma.channel(2).ready());
  CHECK(b.count2() == 3);
  CHECK(b.address2() == 0);
  const std::vector<u8> more{0xAA};
  CHECK(b.dma.channel(2).to_memory(more) == 1);
  CHECK(b.memory.load<u8>(PhysAddr(0x10000)) == 0xAA);
}

TEST_CASE("dma: verify counts without touching memory, and so does the wrong direction") {
  for (const u8 mode : {0x40, 0x48}) {
    Bench b;
    b.program2(mode, 0x10000, 9);
    CHECK(b.dma.channel(2).to_memory(counted(10)) == 10);
    CHECK(b.dma.channel(2).terminal_count());
    CHECK(b.memory.load<u32>(PhysAddr(0x10000)) == 0);
  }
  Bench b;
  b.program2(0x44, 0x10000, 9);
  b.memory.store<u32>(PhysAddr(0x10000), 0x12345678);
  std::vector<u8> got(10);
  CHECK(b.dma.channel(2).from_memory(got) == 10);
  CHECK(got == std::vector<u8>(10, 0xFF));
}

TEST_CASE("dma: a disabled controller, a masked channel and cascade mode give no cycles") {
  Bench b;
  b.program2(0x44, 0x10000, 9);
  b.out(0x08, 0x04);
  CHECK(b.dma.channel(2).to_memory(counted(1)) == 0);
  b.out(0x08, 0x00);
  b.out(0x0F, 0x04);
  CHECK(b.dma.channel(2).to_memory(counted(1)) == 0);
  b.out(0x0E, 0);  // clear all masks
  CHECK(b.dma.channel(2).to_memory(counted(1)) == 1);
  b.out(0x0B, 0xC6);
  CHECK(b.dma.channel(2).to_memory(counted(1)) == 0);
  CHECK(b.dma.channel(2).transfer() == DmaTransfer::none);
}

TEST_CASE("dma: a waiting device is called when its channel is opened, once") {
  Bench b;
  int calls = 0;
  b.dma.channel(2).when_ready([&] { ++calls; });
  b.out(0x0B, 0x46);
  b.out(0x0A, 0x02);
  CHECK(calls == 0);  // nobody asked
  b.out(0x0A, 0x06);
  b.dma.channel(2).request(true);
  CHECK((b.in(0x08) & 0xF0) == 0x40);
  b.out(0x0A, 0x02);
  CHECK(calls == 1);
  b.out(0x0A, 0x02);
  CHECK(calls == 1);
  b.dma.channel(2).request(false);
  CHECK((b.in(0x08) & 0xF0) == 0);
}

TEST_CASE("dma: the flip-flop orders bytes and master clear resets it") {
  Bench b;
  b.out(0x0C, 0);
  b.out(0x00, 0x34);
  b.out(0x0D, 0);  // master clear between the halves
  b.out(0x00, 0x56);
  b.out(0x00, 0x78);
  CHECK(b.in(0x00) == 0x56);
  CHECK(b.in(0x00) == 0x78);
  CHECK((b.in(0x0F) & 0x0F) == 0x0F);
}

TEST_CASE("dma: memory to memory copies through the temporary register") {
  Bench b;
  b.memory.store<u32>(PhysAddr(0x11000), 0xDDCCBBAA);
  b.out(0x0C, 0);
  b.out(0x87, 1);
  b.out(0x83, 2);
  for (const u8 byte : {0x00, 0x10}) b.out(0x00, byte);
  for (const u8 byte : {0x00, 0x20}) b.out(0x02, byte);
  for (const u8 byte : {0x03, 0x00}) b.out(0x03, byte);
  b.out(0x0B, 0x88);
  b.out(0x0B, 0x85);
  b.out(0x08, 0x01);
  b.out(0x09, 0x04);
  CHECK(b.memory.load<u32>(PhysAddr(0x22000)) == 0xDDCCBBAA);
  CHECK(b.in(0x0D) == 0xDD);
  CHECK((b.in(0x08) & 0x0F) == 0x02);

  b.out(0x08, 0x03);  // hold the source address: a fill
  for (const u8 byte : {0x00, 0x10}) b.out(0x00, byte);
  for (const u8 byte : {0x00, 0x20}) b.out(0x02, byte);
  for (const u8 byte : {0x03, 0x00}) b.out(0x03, byte);
  b.out(0x09, 0x04);
  CHECK(b.memory.load<u32>(PhysAddr(0x22000)) == 0xAAAAAAAA);
}

TEST_CASE("dma: a software request runs a masked channel to terminal count") {
  Bench b;
  b.program2(0x84, 0x10000, 15);
  b.out(0x0A, 0x06);
  b.out(0x09, 0x06);
  CHECK(b.count2() == 0xFFFF);
  CHECK(b.in(0x08) == 0x04);  // TC, and the request is gone
}

TEST_CASE("dma: page registers keep bytes and port 80h is heard") {
  Bench b;
  for (u16 port = 0x80; port < 0x90; ++port) b.out(port, static_cast<u8>(port ^ 0x5A));
  for (u16 port = 0x80; port < 0x90; ++port) CHECK(b.in(port) == static_cast<u8>(port ^ 0x5A));
  CHECK(b.posts == std::vector<u8>{0x80 ^ 0x5A});
}

TEST_CASE("dma: addresses beyond memory are swallowed") {
  Bench b;
  b.program2(0x44, 0xFF0000, 9);
  CHECK(b.dma.channel(2).to_memory(counted(10)) == 10);
}

TEST_CASE("dma: a count of 0 is one byte, FFFFh is 64 KiB and comes all the way around") {
  Bench b;
  b.program2(0x44, 0x10000, 0);
  CHECK(b.dma.channel(2).to_memory(counted(2)) == 1);
  CHECK(b.dma.channel(2).terminal_count());
  const auto data = counted(0x10001);
  b.program2(0x84, 0x28000, 0xFFFF);
  CHECK(b.dma.channel(2).to_memory(data) == 0x10000);
  CHECK(b.dma.channel(2).terminal_count());
  CHECK(b.memory.load<u8>(PhysAddr(0x28000)) == data[0]);
  CHECK(b.memory.load<u8>(PhysAddr(0x2FFFF)) == data[0x7FFF]);
  CHECK(b.memory.load<u8>(PhysAddr(0x20000)) == data[0x8000]);
  CHECK(b.memory.load<u8>(PhysAddr(0x27FFF)) == data[0xFFFF]);
  CHECK(b.memory.load<u8>(PhysAddr(0x30000)) == 0);
  CHECK(b.address2() == 0x8000);
  CHECK(b.in(0x81) == 0x02);  // the page never counts
}

TEST_CASE("dma: words downwards, across the end of 128 KiB") {
  Bench b;
  b.out(0xD8, 0);
  b.out(0xD6, 0x66);  // channel 6, decrement
  for (const u8 byte : {0x01, 0x00}) b.out(0xC8, byte);
  b.out(0x89, 0x04);
  for (const u8 byte : {0x03, 0x00}) b.out(0xCA, byte);
  b.out(0xD4, 0x02);
  CHECK(b.dma.channel(6).to_memory({{1, 2, 3, 4, 5, 6, 7, 8}}) == 8);
  CHECK(b.memory.load<u16>(PhysAddr(0x40002)) == 0x0201);
  CHECK(b.memory.load<u16>(PhysAddr(0x40000)) == 0x0403);
  CHECK(b.memory.load<u16>(PhysAddr(0x5FFFE)) == 0x0605);
  CHECK(b.memory.load<u16>(PhysAddr(0x5FFFC)) == 0x0807);
  CHECK(b.dma.channel(6).terminal_count());
}

TEST_CASE("dma: autoinit reads the same block again and again") {
  Bench b;
  b.program2(0x58, 0x1FFFE, 3);  // across the 64 KiB end
  b.memory.store<u16>(PhysAddr(0x1FFFE), 0x2211);
  b.memory.store<u16>(PhysAddr(0x10000), 0x4433);
  for (int i = 0; i < 3; ++i) {
    std::vector<u8> got(10);
    CHECK(b.dma.channel(2).from_memory(got) == 4);
    CHECK(b.dma.channel(2).terminal_count());
    got.resize(4);
    CHECK(got == std::vector<u8>{0x11, 0x22, 0x33, 0x44});
  }
  CHECK((b.in(0x08) & 0x0F) == 0x04);
}

TEST_CASE("dma: programming writes base and current; reading back in the middle of a block shows current") {
  Bench b;
  b.program2(0x54, 0x11000, 99);
  b.dma.channel(2).to_memory(counted(30));
  CHECK(b.address2() == 0x101E);
  CHECK(b.count2() == 69);
  b.dma.channel(2).to_memory(counted(70));
  CHECK(b.address2() == 0x1000);
  CHECK(b.count2() == 99);
}

TEST_CASE("dma: single masks, all masks and mask clearing touch what they name") {
  Bench b;
  b.out(0x0F, 0x00);
  b.out(0x0A, 0x07);
  CHECK((b.in(0x0F) & 0x0F) == 0x08);
  b.out(0x0A, 0x04);
  CHECK((b.in(0x0F) & 0x0F) == 0x09);
  b.out(0x0A, 0x03);
  CHECK((b.in(0x0F) & 0x0F) == 0x01);
  b.out(0x0E, 0xFF);
  CHECK((b.in(0x0F) & 0x0F) == 0x00);
  b.out(0xDE, 0x0A);
  CHECK((b.in(0xDE) & 0x0F) == 0x0A);
  CHECK((b.in(0x0F) & 0x0F) == 0x00);
}

TEST_CASE("dma: state is saved, scrambled and loaded") {
  Bench b;
  b.program2(0x54, 0x12345, 0x1234);
  b.out(0x05, 0x01);  // flip-flop in the middle
  b.dma.channel(2).request(true);
  StateWriter saved;
  b.dma.visit(saved);
  b.dma.reset(Reset::power_on);
  b.program2(0x44, 0x777, 7);
  b.dma.channel(2).request(false);
  StateReader reader(saved.bytes());
  b.dma.visit(reader);
  StateWriter again;
  b.dma.visit(again);
  CHECK(saved.bytes() == again.bytes());
}

}  // namespace
}  // namespace penumbra
