// What firmware that knows the "pc" board expects to find in fw_cfg, built from plain facts about the machine.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/types.h"

namespace penumbra {

class FwCfg;

// RAM below and above 4 GiB (item 03h and the file etc/e820), the number of CPUs, no NUMA, no boot menu, IRQ0 on the
// I/O APIC's pin 2, and sleep states: S5 alone, with SLP_TYP 0.
void add_machine_facts(FwCfg& fw_cfg, u64 low_ram_bytes, u64 high_ram_bytes, u16 cpus);

// A Linux kernel, split where its real-mode setup ends, with its initial RAM disk and command line (items 07h-18h).
// Throws ConfigError, naming `path`, if it is no bzImage or zImage.
void add_linux(FwCfg& fw_cfg, std::span<const u8> kernel, const std::string& path, std::vector<u8> initrd,
               std::string_view command_line);

// Boot devices, first choice first, as Open Firmware paths (file bootorder).
void add_boot_order(FwCfg& fw_cfg, std::span<const std::string> paths);
// Such paths: drive A: or B:; the hard disk or CD drive on an IDE channel (0, 1) as master (0) or slave (1).
std::string floppy_boot_path(unsigned drive);
std::string ide_boot_path(unsigned channel, unsigned drive);

}  // namespace penumbra
