// Fuzzes the kernel loaders: any file as a multiboot kernel, with a proper header put in front of most, and as a Linux
// kernel whose fw_cfg items a guest then reads.
#include <cstdlib>

#include "core/base/error.h"
#include "core/machine/multiboot.h"
#include "devices/fw_cfg.h"
#include "devices/fw_cfg_items.h"
#include "tests/support/fuzz_input.h"

namespace penumbra {
namespace {

struct Machine {
  Trace trace;
  GuestMemory memory{u64{2} << 20, trace};
};

// A multiboot header (and an ELF header, which it may contradict) at a place of the input's choice.
void put_headers(std::vector<u8>& image, FuzzInput& input) {
  const u8 what = input.byte();
  const u32 at = input.word() & 0x1FFC;
  if ((what & 1) && image.size() >= at + 12) {
    const u32 flags = what & 2 ? 0x10003 : 3;
    store<u32>(&image[at], 0x1BADB002);
    store<u32>(&image[at + 4], flags);
    store<u32>(&image[at + 8], 0u - 0x1BADB002 - flags);
    // Usual addresses, so that one wrong field is not hidden behind another.
    const u32 fields[] = {0x100000 + at, 0x100000, 0, 0, 0x100000};
    for (u32 n = 0; n < 5 && image.size() >= at + 16 + 4 * n; ++n)
      if (what >> (3 + n) & 1) store<u32>(&image[at + 12 + 4 * n], fields[n]);
  }
  if ((what & 4) && image.size() >= 52) {
    constexpr u8 kIdent[] = {0x7F, 'E', 'L', 'F', 1, 1, 1};
    std::copy(std::begin(kIdent), std::end(kIdent), image.begin());
    store<u16>(&image[18], 3);
    store<u16>(&image[42], 32);
    if (what & 8) store<u32>(&image[28], 52);
    if (what & 16) image[45] = 0;
    if ((what & 32) && image.size() >= 84) {  // a first segment of the usual kind
      store<u32>(&image[52], 1);
      store<u32>(&image[64], 0x100000);
    }
  }
}

void multiboot(std::span<const u8> bytes) {
  static Machine machine;
  FuzzInput input(bytes);
  std::vector<u8> image(bytes.size() > 8 ? bytes.begin() + 8 : bytes.end(), bytes.end());
  put_headers(image, input);
  std::vector<MultibootModule> modules(input.byte() & 3);
  for (MultibootModule& module : modules) {
    const u8 size = input.byte();
    module.bytes.resize(size & 1 ? size : (size & 0x1F) * 0x1000u);
    module.arguments.assign(size * (size & 2 ? 200u : 1u), 'm');
  }
  is_multiboot(image);
  try {
    const MultibootEntry entry = load_multiboot(machine.memory, image, "kernel", "command line", modules);
    if (entry.info >= 0x10000) std::abort();
  } catch (const ConfigError&) {
  }
}

void linux_kernel(std::span<const u8> bytes) {
  static Machine machine;
  static PortBus ports(machine.trace);
  static FwCfg fw_cfg(ports, machine.memory, machine.trace);
  fw_cfg.reset(Reset::power_on);
  std::vector<u8> kernel(bytes.begin(), bytes.end());
  if (kernel.size() >= 0x202 && kernel[0] & 1) store<u16>(&kernel[0x1FE], 0xAA55);
  try {
    add_linux(fw_cfg, kernel, "kernel",
              {kernel.begin(), kernel.begin() + static_cast<std::ptrdiff_t>(kernel.size() / 2)}, "quiet");
  } catch (const ConfigError&) {
  }
  FuzzInput input(bytes.last(std::min<std::size_t>(bytes.size(), 200)));
  while (!input.empty()) {
    switch (input.byte() % 4) {
      case 0: ports.out(0x510, Width::word, input.byte() % 0x22 | (input.byte() & 0xC0) << 8); break;
      case 1: ports.in(static_cast<u16>(0x510 + input.byte() % 12), input.width()); break;
      case 2: ports.out(static_cast<u16>(0x510 + input.byte() % 12), input.width(), input.dword()); break;
      case 3: {  // a DMA transfer
        const u32 at = 0x1000 + (input.byte() & 0xF8);
        machine.memory.store<u32>(PhysAddr(at),
                                  __builtin_bswap32(u32{input.byte() % 0x22u} << 16 | (input.byte() & 31)));
        machine.memory.store<u32>(PhysAddr(at + 4), __builtin_bswap32(input.byte() & 1 ? input.dword() : input.word()));
        machine.memory.store<u32>(PhysAddr(at + 8), input.byte() & 1 ? 0 : input.dword());
        machine.memory.store<u32>(PhysAddr(at + 12), input.dword());
        ports.out(0x518, Width::dword, __builtin_bswap32(at));
        break;
      }
    }
  }
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  if (data[0] & 0x80)
    penumbra::linux_kernel({data, size});
  else
    penumbra::multiboot({data + 1, size - 1});
  return 0;
}
