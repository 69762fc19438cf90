// IDENTIFY DEVICE: the 256 words in which a disk describes itself (ATA-6 8.15).
#include "devices/ata_drive.h"
#include "devices/identify_block.h"

namespace penumbra {

void AtaDrive::identify() {
  IdentifyBlock id;
  id.word[0] = 0x0040;  // fixed, not removable
  id.word[1] = static_cast<u16>(geometry_.cylinders);
  id.word[3] = static_cast<u16>(geometry_.heads);
  id.word[4] = static_cast<u16>(geometry_.sectors * ata::kSectorBytes);
  id.word[5] = ata::kSectorBytes;
  id.word[6] = static_cast<u16>(geometry_.sectors);
  id.text(10, 10, fmt::format("PNB{:05}", serial_ + 1));
  id.word[20] = 3;    // a buffer that reads ahead (ATA-1 9.9)
  id.word[21] = 512;  // sectors of it
  id.word[22] = 4;
  id.text(23, 4, "1.0");
  id.text(27, 20, "PENUMBRA HARD DISK");
  id.word[47] = 0x8000 | kMostMultiple;
  id.word[48] = 1;       // 32-bit data port (ATA-1)
  id.word[49] = 0x0F00;  // IORDY can be switched off, LBA, DMA
  id.word[50] = 0x4000;
  id.word[51] = 0x0200;
  id.word[52] = 0x0200;
  id.word[53] = 0x0007;  // words 54-58, 64-70 and 88 are valid
  id.word[54] = static_cast<u16>(current_.cylinders);
  id.word[55] = static_cast<u16>(current_.heads);
  id.word[56] = static_cast<u16>(current_.sectors);
  id.number(57, 2, u64{current_.cylinders} * current_.heads * current_.sectors);
  id.word[59] = static_cast<u16>(multiple_ ? 0x0100 | multiple_ : 0);
  id.number(60, 2, std::min<u64>(capacity(), 0x0FFF'FFFF));
  id.dma_modes(dma_mode_);
  id.word[80] = 0x007C;  // ATA-2 to ATA-6
  const u16 cache = static_cast<u16>((write_cache_ ? 0x20 : 0) | (look_ahead_ ? 0x40 : 0));
  id.word[82] = 0x7068;  // NOP, READ and WRITE BUFFER, look-ahead, write cache, power management
  id.word[83] = 0x7400;  // FLUSH CACHE and FLUSH CACHE EXT, 48-bit addresses
  id.word[84] = 0x4000;
  id.word[85] = 0x7008 | cache;
  id.word[86] = 0x3400;
  id.word[87] = 0x4000;
  id.number(100, 4, capacity());
  id.seal();
  transfer_ = Phase::idle;
  buffer_ = id.bytes();
  open_data(Phase::data_in);
  raise_interrupt();
}

}  // namespace penumbra
