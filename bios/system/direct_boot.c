// Kernels that the machine hands over through fw_cfg: Linux by its own protocol, multiboot images already in memory.
#include "boot.h"

#include "bios.h"
#include "fw_cfg.h"
#include "memory.h"

// Offsets in the kernel's real-mode header (Linux Documentation/x86/boot.rst).
enum {
  kVideoMode = 0x1FA,
  kMagic = 0x202,
  kVersion = 0x206,
  kLoaderType = 0x210,
  kLoadFlags = 0x211,
  kInitrdAddress = 0x218,
  kInitrdSize = 0x21C,
  kHeapEnd = 0x224,
  kCommandLine = 0x228,
  kInitrdMaximum = 0x22C,
};
enum { kLoadedHigh = 0x01, kCanUseHeap = 0x80 };
// The setup code at 1000:0000, its heap and stack below 2000:0000 less the command line's 2 KiB.
enum { kSetupSegment = 0x1000, kCommandLineOffset = 0xF000, kHeapLimit = 0xEE00, kCommandLineMost = 0xE00 };
// A kernel of protocol 2.01 and older, or one for low memory, moves its setup to 90000h by itself and expects it there.
enum { kOldSetupSegment = 0x9000, kOldCommandLineOffset = 0xA000, kOldHeapLimit = 0x9E00 };

static void boot_multiboot(void) {
  const struct fw_file file = fw_cfg_find("penumbra/multiboot");
  u32 words[2];
  if (!file.key || file.bytes < sizeof words) return;
  fw_cfg_read(file.key, words, sizeof words);
  debug("multiboot entry %x info %x\n", words[0], words[1]);
  start_multiboot(words[0], words[1]);
}

static void refuse(const char* why) {
  print("Cannot start the kernel: %s.\n", why);
  for (;;) wait_for_interrupt();
}

// "vga=" in the command line is the loader's to obey: a mode number, or normal, ext, ask.
static void set_video_mode(u16 segment, u32 line) {
  static const struct {
    char name[8];
    u16 mode;
  } names[3] = {{"normal", 0xFFFF}, {"ext", 0xFFFE}, {"ask", 0xFFFD}};
  u8 before = ' ';
  for (u32 at = line; peek8(segment, at); before = peek8(segment, at++)) {
    if (before != ' ' || peek32(segment, at) != 0x3D616776) continue;  // "vga="
    u8 word[8] = {0};
    for (u32 i = 0; i < 7 && peek8(segment, at + 4 + i) > ' '; ++i) word[i] = peek8(segment, at + 4 + i);
    for (u32 i = 0; i < count_of(names); ++i)
      if (!memcmp(word, names[i].name, sizeof word)) return poke16(segment, kVideoMode, names[i].mode);
    const u32 base = word[0] == '0' && (word[1] | 0x20) == 'x' ? 16 : 10;
    u32 number = 0;
    for (const u8* digit = word + (base == 16 ? 2 : 0); *digit; ++digit) {
      const u32 value = *digit <= '9' ? *digit - (u32)'0' : (*digit | 0x20u) - 'a' + 10;
      if (value >= base) return;
      number = number * base + value;
    }
    return poke16(segment, kVideoMode, (u16)number);
  }
}

static void boot_linux(void) {
  const u32 setup_bytes = fw_cfg_read32(kFwSetupSize), kernel_bytes = fw_cfg_read32(kFwKernelSize);
  const u32 initrd_bytes = fw_cfg_read32(kFwInitrdSize);
  u32 line_bytes = fw_cfg_read32(kFwCommandLineSize);
  if (!kernel_bytes || !setup_bytes) return;
  if (setup_bytes > 0x8000) refuse("its setup code is too large");

  fw_cfg_load(kFwSetupData, kSetupSegment * 16, setup_bytes);
  u32 version = 0;
  if (peek32(kSetupSegment, kMagic) == 0x53726448) version = peek16(kSetupSegment, kVersion);
  const int high = version >= 0x200 && peek8(kSetupSegment, kLoadFlags) & kLoadedHigh;
  const int old = version < 0x202 || !high;
  const u16 segment = old ? kOldSetupSegment : kSetupSegment;
  const u32 line_offset = old ? kOldCommandLineOffset : kCommandLineOffset;
  if (old) {
    fw_cfg_load(kFwSetupData, kOldSetupSegment * 16, setup_bytes);
    if (!high && kernel_bytes > 0x80000) refuse("it is too large for low memory");
  }
  if (high && 0x100000 + kernel_bytes > memory_usable_end) refuse("it is larger than memory");
  fw_cfg_load(kFwKernelData, high ? 0x100000 : 0x10000, kernel_bytes);

  line_bytes = min32(line_bytes, kCommandLineMost - 1);
  fw_cfg_load(kFwCommandLineData, segment * 16 + line_offset, line_bytes);
  poke8(segment, line_offset + line_bytes, 0);
  set_video_mode(segment, line_offset);
  if (version >= 0x202) {
    poke32(segment, kCommandLine, (u32)segment * 16 + line_offset);
  } else {
    poke16(segment, 0x20, 0xA33F);
    poke16(segment, 0x22, (u16)line_offset);
  }
  if (version >= 0x200) poke8(segment, kLoaderType, 0xFF);
  if (version >= 0x201) {
    poke16(segment, kHeapEnd, (u16)((old ? kOldHeapLimit : kHeapLimit) - 0x200));
    poke8(segment, kLoadFlags, peek8(segment, kLoadFlags) | kCanUseHeap);
  }
  if (version >= 0x200 && initrd_bytes) {
    u32 end = version >= 0x203 ? peek32(segment, kInitrdMaximum) + 1 : 0x38000000;
    if (!end || end > memory_usable_end) end = memory_usable_end;
    const u32 floor = high ? 0x100000 + kernel_bytes : 0x100000;
    if (end < floor || end - floor < initrd_bytes + 0x1000) refuse("the initial RAM disk does not fit in memory");
    const u32 address = (end - initrd_bytes) & ~0xFFFu;
    fw_cfg_load(kFwInitrdData, address, initrd_bytes);
    poke32(segment, kInitrdAddress, address);
    poke32(segment, kInitrdSize, initrd_bytes);
  }
  debug("Linux: protocol %x, kernel %u bytes, initrd %u bytes\n", version, kernel_bytes, initrd_bytes);
  start_linux(segment);
}

void direct_boot(void) {
  if (!fw_cfg_present()) return;
  boot_multiboot();
  boot_linux();
}
