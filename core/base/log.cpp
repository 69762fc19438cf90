// Channel names and the line format.
#include "core/base/log.h"

#include <array>

namespace penumbra {

namespace {

constexpr std::array<std::string_view, static_cast<std::size_t>(Channel::count)> kNames = {
    "instructions", "interrupts", "faults", "paging", "ports",   "mmio",   "pic",      "pit",
    "rtc",          "keyboard",   "dma",    "floppy", "ide",     "serial", "parallel", "vga",
    "pci",          "acpi",       "apic",   "fw_cfg", "speaker", "bios",   "guest",    "translation",
};

}  // namespace

std::string_view channel_name(Channel channel) { return kNames[static_cast<std::size_t>(channel)]; }

Channel channel_named(std::string_view name) {
  for (std::size_t i = 0; i < kNames.size(); ++i)
    if (kNames[i] == name) return static_cast<Channel>(i);
  return Channel::count;
}

void Trace::write(Channel channel, const std::string& text) {
  if (sink_) sink_(fmt::format("{}: {}\n", channel_name(channel), text));
}

}  // namespace penumbra
