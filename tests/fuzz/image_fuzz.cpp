// Fuzzes media content: an input as the bytes of a hard disk, a CD and a diskette, looked at by the drives that parse
// it (partition tables for the geometry, sizes) and read to their ends.
#include <cstdlib>

#include "tests/support/floppy_rig.h"
#include "tests/support/fuzz_input.h"
#include "tests/support/ide_rig.h"

namespace penumbra {
namespace {

// Partition entries from the input, so that some are sensible; the rest of the image is what it is.
void put_partition_table(std::vector<u8>& content, FuzzInput& input) {
  if (content.size() < 512) return;
  content[510] = 0x55;
  content[511] = 0xAA;
  for (std::size_t at = 0x1BE; at < 0x1FE; at += 16) {
    if (input.byte() & 1) continue;
    const u32 heads = 1 + input.byte() % 17, sectors = input.byte() & 63;
    const u32 cylinders = input.word() & 0x3FF;
    content[at + 1] = input.byte() & 1;
    content[at + 2] = 1;
    content[at + 4] = 6;
    content[at + 5] = static_cast<u8>(heads - 1);
    content[at + 6] = static_cast<u8>(sectors | (cylinders >> 2 & 0xC0));
    content[at + 7] = static_cast<u8>(cylinders);
    const u32 first = content[at + 1] * sectors;
    store<u32>(&content[at + 8], first);
    store<u32>(&content[at + 12],
               (cylinders * heads + heads) * sectors - first + (input.byte() & 1 ? 0 : input.byte()));
  }
}

void disk(IdeRig& rig, std::vector<u8> content, FuzzInput& input) {
  static FakeStore store(0);  // outlives the drive
  rig.ide.reset(Reset::hard);
  store.content = std::move(content);
  if (input.byte() & 1) put_partition_table(store.content, input);
  rig.ide.attach_disk(0, std::make_unique<FakeMedium>(store));
  rig.ide.reset(Reset::hard);
  rig.base = 0x1F0;
  rig.task(0xA0, 0, 0, 0, 0);
  rig.command(0xEC);
  if (rig.alternate() & 0x08) {
    const std::vector<u8> identity = rig.read_data();
    const u64 sectors = load<u32>(&identity[120]);
    if (sectors * 512 > store.content.size()) std::abort();
    if (u64{load<u16>(&identity[2])} * load<u16>(&identity[6]) * load<u16>(&identity[12]) >
        std::max<u64>(sectors, 16 * 63))
      std::abort();
  }
  for (unsigned n = 0; n < 6; ++n) {
    // LBA and CHS reads, around the end too.
    const u32 end = static_cast<u32>(store.content.size() / 512);
    if (n & 1) {
      rig.lba(end - 2 + input.byte() % 4, static_cast<u8>(1 + input.byte() % 4), 0x20);
    } else {
      rig.task(static_cast<u8>(0xA0 | (input.byte() & 15)), 1 + input.byte() % 3, input.byte(), input.byte(),
               input.byte() & 3);
      rig.command(input.byte() & 1 ? 0x20 : 0x91);  // READ SECTORS, INITIALIZE DEVICE PARAMETERS
    }
    for (unsigned sector = 0; sector < 5 && (rig.alternate() & 0x88) == 0x08; ++sector) {
      rig.read_data();
      rig.settle();
    }
  }
}

void disc(IdeRig& rig, std::vector<u8> content, FuzzInput& input) {
  static FakeStore store(0);  // outlives the drive
  rig.ide.reset(Reset::hard);
  store.content = std::move(content);
  store.read_only = true;
  rig.ide.attach_cdrom(0, std::make_unique<FakeMedium>(store));
  rig.ide.reset(Reset::hard);
  rig.base = 0x1F0;
  rig.unit_bits = 0xA0;
  constexpr u8 kPackets[] = {0x00, 0x03, 0x12, 0x25, 0x28, 0x43, 0xA8, 0xBE,
                             0x46, 0x4A, 0x51, 0x52, 0x5A, 0x42, 0xAD, 0xB9};
  for (unsigned n = 0; n < 12 && !input.empty(); ++n) {
    std::array<u8, 12> packet{};
    packet[0] = kPackets[input.byte() % std::size(kPackets)];
    for (std::size_t at = 1; at < 12; ++at) packet[at] = input.byte() & 1 ? input.byte() & 15 : 0;
    packet[8] |= 1;
    rig.packet(packet, static_cast<u16>(2 + input.word() % 0xFFF0));
    // A bounded part of the answer: a small byte count limit makes of a long one hundreds of thousands.
    for (unsigned block = 0; block < 12 && (rig.alternate() & 0x88) == 0x08; ++block) {
      const std::size_t count = rig.in(rig.base + 4) | rig.in(rig.base + 5) << 8;
      if (count == 0) std::abort();
      rig.read_data((count + 1) & ~std::size_t{1});
      rig.settle();
    }
    if (rig.alternate() & 0x08) rig.ide.reset(Reset::hard);
  }
}

void diskette(std::vector<u8> content, FuzzInput& input) {
  static FloppyRig rig;
  static FakeStore store(0);  // outlives the drive
  rig.fdc.reset(Reset::hard);
  store.content = std::move(content);
  rig.fdc.change_medium(0, std::make_unique<FakeMedium>(store));
  rig.start(static_cast<DataRate>(input.byte() % 3));
  for (unsigned n = 0; n < 4; ++n) {
    rig.seek(0, input.byte() % 82);
    rig.read(input.byte() % 82, input.byte() & 1, input.byte() % 40, 1024, input.byte() % 40);
  }
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 64) return 0;
  penumbra::FuzzInput input({data, 64});
  std::vector<penumbra::u8> content(data + 64, data + size);
  // Larger images than inputs: zeros behind, and odd ends.
  const penumbra::u8 what = input.byte();
  content.resize(content.size() +
                 input.byte() * (what & 0x80   ? 2048u
                                 : what & 0x40 ? 513u
                                               : 0u) +
                 (what & 0x20 ? 163'840u : 0u));
  static penumbra::IdeRig rig;
  switch (what % 3) {
    case 0: penumbra::disk(rig, std::move(content), input); break;
    case 1: penumbra::disc(rig, std::move(content), input); break;
    case 2: penumbra::diskette(std::move(content), input); break;
  }
  return 0;
}
