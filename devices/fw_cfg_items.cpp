// Keys and layouts of the items.
#include "devices/fw_cfg_items.h"

#include <fmt/format.h>

#include <algorithm>

#include "core/base/bits.h"
#include "core/base/error.h"
#include "devices/fw_cfg.h"

namespace penumbra {

namespace {

enum Key : u16 {
  kRamSize = 0x03,
  kNoGraphic = 0x04,
  kCpuCount = 0x05,
  kKernelAddress = 0x07,
  kKernelSize = 0x08,
  kInitrdSize = 0x0B,
  kNuma = 0x0D,
  kBootMenu = 0x0E,
  kMostCpus = 0x0F,
  kKernelData = 0x11,
  kInitrdData = 0x12,
  kCommandLineAddress = 0x13,
  kCommandLineSize = 0x14,
  kCommandLineData = 0x15,
  kSetupAddress = 0x16,
  kSetupSize = 0x17,
  kSetupData = 0x18,
  kIrq0Override = 0x8002,
};

constexpr u32 kE820Ram = 1;

void append_e820(std::vector<u8>& table, u64 address, u64 length) {
  if (!length) return;
  const std::size_t at = table.size();
  table.resize(at + 20);
  store(&table[at], address);
  store(&table[at + 8], length);
  store(&table[at + 16], kE820Ram);
}

}  // namespace

void add_machine_facts(FwCfg& fw_cfg, u64 low_ram_bytes, u64 high_ram_bytes, u16 cpus) {
  fw_cfg.add_u64(kRamSize, low_ram_bytes + high_ram_bytes);
  fw_cfg.add_u16(kNoGraphic, 0);
  fw_cfg.add_u16(kCpuCount, cpus);
  fw_cfg.add_u16(kMostCpus, cpus);
  fw_cfg.add_item(kNuma, std::vector<u8>((1 + cpus) * sizeof(u64)));
  fw_cfg.add_u16(kBootMenu, 0);
  fw_cfg.add_item(kIrq0Override, {1});
  std::vector<u8> e820;
  append_e820(e820, 0, low_ram_bytes);
  append_e820(e820, u64{1} << 32, high_ram_bytes);
  fw_cfg.add_file("etc/e820", std::move(e820));
  // A byte a sleep state: bit 7 says that it exists, the rest is its SLP_TYP. S0, S4 and S5 do; S4 is off as S5 is.
  fw_cfg.add_file("etc/system-states", {0x80, 0, 0, 0x01, 0x80, 0x80});
}

// Linux x86 boot protocol: the boot sector's 1F1h counts the setup sectors behind it, 0 meaning 4. From version 2.04 on
// 1F4h says how many paragraphs of 16 bytes follow these; the last need not be whole.
void add_linux(FwCfg& fw_cfg, std::span<const u8> kernel, const std::string& path, std::vector<u8> initrd,
               std::string_view command_line) {
  constexpr std::size_t kSetupSectors = 0x1F1, kSystemSize = 0x1F4, kBootFlag = 0x1FE, kMagic = 0x202, kVersion = 0x206,
                        kSector = 512, kParagraph = 16;
  constexpr u32 kHdrS = 0x5372'6448;
  constexpr u16 kSystemSizeIsTrue = 0x0204;
  if (kernel.size() < 2 * kSector || load<u16>(&kernel[kBootFlag]) != 0xAA55)
    throw ConfigError(fmt::format("{}: not a Linux kernel image (bzImage)", path));
  const std::size_t sectors = kernel[kSetupSectors] ? kernel[kSetupSectors] : 4;
  const std::size_t setup_bytes = (1 + sectors) * kSector;
  const bool sized = load<u32>(&kernel[kMagic]) == kHdrS && load<u16>(&kernel[kVersion]) >= kSystemSizeIsTrue;
  const u64 paragraphs = sized ? std::max<u32>(load<u32>(&kernel[kSystemSize]), 1) : 1;
  const u64 least = setup_bytes + (paragraphs - 1) * kParagraph + 1;
  if (kernel.size() < least)
    throw ConfigError(
        fmt::format("{}: the kernel image is cut short: {} bytes, of at least {} that its header tells of", path,
                    kernel.size(), least));
  const std::span<const u8> setup = kernel.first(setup_bytes), body = kernel.subspan(setup_bytes);
  std::vector<u8> line(command_line.begin(), command_line.end());
  line.push_back(0);

  fw_cfg.add_u32(kSetupAddress, 0x10000);
  fw_cfg.add_u32(kSetupSize, static_cast<u32>(setup.size()));
  fw_cfg.add_item(kSetupData, {setup.begin(), setup.end()});
  fw_cfg.add_u32(kKernelAddress, 0x100000);
  fw_cfg.add_u32(kKernelSize, static_cast<u32>(body.size()));
  fw_cfg.add_item(kKernelData, {body.begin(), body.end()});
  fw_cfg.add_u32(kCommandLineAddress, 0x20000);
  fw_cfg.add_u32(kCommandLineSize, static_cast<u32>(line.size()));
  fw_cfg.add_item(kCommandLineData, std::move(line));
  fw_cfg.add_u32(kInitrdSize, static_cast<u32>(initrd.size()));
  fw_cfg.add_item(kInitrdData, std::move(initrd));
}

void add_boot_order(FwCfg& fw_cfg, std::span<const std::string> paths) {
  std::vector<u8> text;
  for (const std::string& path : paths) {
    text.insert(text.end(), path.begin(), path.end());
    text.push_back('\n');
  }
  text.push_back(0);
  fw_cfg.add_file("bootorder", std::move(text));
}

std::string floppy_boot_path(unsigned drive) { return fmt::format("/pci@i0cf8/isa@1/fdc@03f0/floppy@{}", drive); }

std::string ide_boot_path(unsigned channel, unsigned drive) {
  return fmt::format("/pci@i0cf8/ide@1,1/drive@{}/disk@{}", channel, drive);
}

}  // namespace penumbra
