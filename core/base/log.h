// Trace channels: named streams of lines that a person switches on by name and that cost one test when off.
#pragma once

#include <fmt/format.h>

#include <cstdio>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/types.h"

namespace penumbra {

enum class Channel : u8 {
  instructions,
  interrupts,
  faults,
  paging,
  ports,
  mmio,
  pic,
  pit,
  rtc,
  keyboard,
  dma,
  floppy,
  ide,
  serial,
  parallel,
  vga,
  pci,
  acpi,
  apic,
  fw_cfg,
  speaker,
  bios,
  guest,
  translation,
  count,
};

std::string_view channel_name(Channel channel);
// The channel of that name, or Channel::count.
Channel channel_named(std::string_view name);

// One machine's trace: which channels are on and where their lines go.
class Trace {
 public:
  using Sink = std::function<void(std::string_view line)>;

  void send_to(Sink sink) { sink_ = std::move(sink); }
  void enable(Channel channel) { enabled_ |= u64{1} << static_cast<unsigned>(channel); }
  bool on(Channel channel) const { return enabled_ >> static_cast<unsigned>(channel) & 1; }

  template <class... Args>
  void line(Channel channel, fmt::format_string<Args...> format, Args&&... args) {
    if (on(channel)) [[unlikely]]
      write(channel, fmt::format(format, std::forward<Args>(args)...));
  }

 private:
  void write(Channel channel, const std::string& text);

  u64 enabled_ = 0;
  Sink sink_;
};

}  // namespace penumbra
