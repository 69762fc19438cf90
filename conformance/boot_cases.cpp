// The table of boot runs. Media are other people's; where one is missing its case is skipped.
#include "conformance/boot_cases.h"

namespace penumbra::conformance {
namespace {

constexpr int kTimeLimit = 8;  // `penumbra run` ended by --timeout

BootStep expect(std::string_view text) { return {BootStep::Kind::expect, text}; }
BootStep type(std::string_view text) { return {BootStep::Kind::type, text}; }

std::vector<BootCase> make_cases() {
  const auto dos_prompt = [] { return expect("A:\\>"); };
  std::vector<BootCase> cases;
  cases.push_back(
      {.name = "freedos-160K",
       .files = {{"--fda", "freedos-160K.img"}},
       .options = {},
       .steps = {dos_prompt(), type("ver{ENTER}"), expect("FreeCom"), type("dir{ENTER}"), expect("bytes free")},
       .quick = true});
  cases.push_back(
      {.name = "freedos-1440K",
       .files = {{"--fda", "freedos-1440K.img"}},
       .options = {},
       .steps = {dos_prompt(), type("ver{ENTER}"), expect("FreeCom"), type("dir{ENTER}"), expect("bytes free")},
       .quick = true});
  cases.push_back({.name = "freedos-jemmex",
                   .files = {{"--fda", "freedos-jemmex.img"}},
                   .options = {"--memory", "32M"},
                   .steps = {expect("VCPI version: 1.0"), expect("Protected Mode Switch ok"), expect("JEMM_TEST_DONE"),
                             dos_prompt()},
                   .timeout = 120});
  cases.push_back({.name = "mikeos-floppy",
                   .files = {{"--fda", "mikeos.flp"}},
                   .options = {},
                   .steps = {expect("Welcome to MikeOS"), expect("Version 4.5")},
                   .quick = true});
  cases.push_back({.name = "mikeos-cd",
                   .files = {{"--cdrom", "mikeos.iso"}},
                   .options = {},
                   .steps = {expect("Welcome to MikeOS"), expect("Version 4.5")},
                   .quick = true});
  cases.push_back({.name = "floppybird",
                   .files = {{"--fda", "floppybird.img"}},
                   .options = {},
                   .steps = {},
                   .timeout = 15,
                   .exit_code = kTimeLimit,
                   .picture_bytes = 1000});
  cases.push_back({.name = "elks",
                   .files = {{"--fda", "elks-0.7.0.img"}},
                   .options = {"--memory", "2M"},
                   .steps = {expect("ELKS 0.7.0"), expect("login:")},
                   .timeout = 120});
  cases.push_back({.name = "openbsd-2.8",
                   .files = {{"--fda", "openbsd-2.8-floppyB.img"}},
                   .options = {"--memory", "32M"},
                   .steps = {expect("(I)nstall, (U)pgrade or (S)hell?")},
                   .timeout = 240});
  cases.push_back({.name = "floppinux",
                   .files = {{"--fda", "floppinux-5.13.img"}},
                   .options = {"--memory", "64M"},
                   .steps = {expect("FLOPPINUX_V_0.2.2")},
                   .timeout = 300});
  // A direct boot is our firmware's own work; SeaBIOS needs an option ROM of QEMU's for it.
  cases.push_back({.name = "linux-3.4.4-direct",
                   .files = {{"--kernel", "bzImage-3.4.4"}, {"--initrd", "miniinit.cpio.gz"}},
                   .options = {"--append", "console=ttyS0", "--serial", "stdio"},
                   .steps = {expect("MINI_INIT_OK Linux 3.4.4")},
                   .timeout = 120,
                   .quick = true,
                   .seabios = false});
  cases.push_back({.name = "grub-floppy",
                   .files = {{"--fda", "/usr/lib/grub-rescue/grub-rescue-floppy.img"}},
                   .options = {},
                   .steps = {expect("GNU GRUB"), type("c"), expect("grub>")},
                   .timeout = 120});
  cases.push_back({.name = "grub-cd",
                   .files = {{"--cdrom", "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"}},
                   .options = {},
                   .steps = {expect("GNU GRUB"), type("c"), expect("grub>")},
                   .timeout = 120});
  cases.push_back({.name = "grub-disk",
                   .files = {{"--hda", "/usr/lib/grub-rescue/grub-rescue-usb.img"}},
                   .options = {},
                   .steps = {expect("GNU GRUB"), type("c"), expect("grub>")},
                   .timeout = 120});
  cases.push_back({.name = "memtest86+-cd",
                   .files = {{"--cdrom", "/usr/lib/memtest86+/memtest86+ia32.iso"}},
                   .options = {},
                   .steps = {expect("Memtest86+")},
                   .timeout = 120});
  cases.push_back({.name = "memtest86+-direct",
                   .files = {{"--kernel", "/boot/memtest86+ia32.bin"}},
                   .options = {},
                   .steps = {expect("Memtest86+")},
                   .timeout = 60,
                   .seabios = false});
  cases.push_back({.name = "memdisk-direct",
                   .files = {{"--kernel", "/usr/lib/syslinux/memdisk"}, {"--initrd", "freedos-1440K.img"}},
                   .options = {},
                   .steps = {dos_prompt()},
                   .timeout = 60,
                   .seabios = false});
  cases.push_back({.name = "ipxe-cd",
                   .files = {{"--cdrom", "/usr/lib/ipxe/ipxe.iso"}},
                   .options = {},
                   .steps = {expect("iPXE")},
                   .timeout = 120});
  cases.push_back({.name = "ipxe-direct",
                   .files = {{"--kernel", "/boot/ipxe.lkrn"}},
                   .options = {},
                   .steps = {expect("iPXE")},
                   .timeout = 60,
                   .seabios = false});
  return cases;
}

}  // namespace

std::span<const BootCase> boot_cases() {
  static const std::vector<BootCase> cases = make_cases();
  return cases;
}

}  // namespace penumbra::conformance
