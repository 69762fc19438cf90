// The 256 words of IDENTIFY DEVICE and IDENTIFY PACKET DEVICE while they are being filled in.
#pragma once

#include <array>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

struct IdentifyBlock {
  std::array<u16, 256> word{};

  // Text is padded with blanks, and the first character of each word is in its high byte (ATA-6 8.15.1).
  void text(std::size_t first, std::size_t words, std::string_view content) {
    const auto at = [content](std::size_t i) { return static_cast<u8>(i < content.size() ? content[i] : ' '); };
    for (std::size_t i = 0; i < words; ++i) word[first + i] = static_cast<u16>(at(2 * i) << 8 | at(2 * i + 1));
  }

  // A number over several words, lowest first.
  void number(std::size_t first, std::size_t words, u64 value) {
    for (std::size_t i = 0; i < words; ++i) word[first + i] = static_cast<u16>(value >> (16 * i));
  }

  // PIO modes 3 and 4, multiword DMA 0 to 2, Ultra DMA 0 to 5; `selected` as SET FEATURES gave it.
  void dma_modes(u8 selected) {
    word[63] = 0x0007;
    word[64] = 0x0003;
    for (std::size_t i = 65; i <= 68; ++i) word[i] = 120;  // cycle times in ns
    word[88] = 0x003F;
    const u16 active = static_cast<u16>(0x0100u << (selected & 7));
    if ((selected & 0xF8) == 0x20) word[63] |= active;
    if ((selected & 0xF8) == 0x40) word[88] |= active;
    word[93] = 0x6001;  // an 80-conductor cable was seen
  }

  // The integrity word: a signature, and what makes the sum of all bytes zero (ATA-6 8.15.61).
  void seal() {
    word[255] = 0x00A5;
    u8 sum = 0;
    for (const u16 w : word) sum = static_cast<u8>(sum + (w & 0xFF) + (w >> 8));
    word[255] = static_cast<u16>(word[255] | (0x100 - sum) << 8);
  }

  std::vector<u8> bytes() const {
    std::vector<u8> raw(sizeof word);
    std::memcpy(raw.data(), word.data(), raw.size());
    return raw;
  }
};

}  // namespace penumbra
