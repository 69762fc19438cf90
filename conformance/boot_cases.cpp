// The table of boot runs. Media are other people's; where one is missing its case is skipped.
#include "conformance/boot_cases.h"

#include <initializer_list>
#include <utility>

namespace penumbra::conformance {
namespace {

constexpr int kTimeLimit = 8;  // `penumbra run` ended by --timeout

BootStep expect(std::string_view text) { return {BootStep::Kind::expect, text}; }
BootStep type(std::string_view text) { return {BootStep::Kind::type, text}; }

// A whole Debian on a disk of its own: compiles, writes, powers off, and finds everything again at its second boot.
BootCase debian_disk() {
  const auto log_in = [] {
    return std::vector<BootStep>{expect("GNU GRUB"),        expect("Debian GNU/Linux 12 penumbra ttyS0"),
                                 expect("penumbra login:"), type("{COM1}root{ENTER}"),
                                 expect("Password:"),       type("{COM1}penumbra{ENTER}"),
                                 expect("root@penumbra:~#")};
  };
  const auto then = [](std::vector<BootStep> steps, std::initializer_list<BootStep> more) {
    steps.insert(steps.end(), more);
    return steps;
  };
  // Where an answer is computed, the echo of what was typed is not taken for it.
  constexpr std::string_view kSource =
      "{COM1}cat > primes.c << 'END'{ENTER}"
      "#include <stdio.h>{ENTER}"
      "static char sieve[1000000];{ENTER}"
      "int main(void) {{}{ENTER}"
      "int count = 0;{ENTER}"
      "double zeta = 0;{ENTER}"
      "for (int i = 1; i < 1000000; ++i) zeta += 1.0 / i / i;{ENTER}"
      "for (int i = 2; i < 1000000; ++i) {{}{ENTER}"
      "if (sieve[i]) continue;{ENTER}"
      "++count;{ENTER}"
      "for (int j = 2 * i; j < 1000000; j += i) sieve[j] = 1;{ENTER}"
      "{}}{ENTER}"
      "printf(\"%d primes, zeta %.5f\\n\", count, zeta);{ENTER}"
      "{}}{ENTER}"
      "END{ENTER}"
      "gcc -O2 -Wall -o primes primes.c && ./primes{ENTER}";
  constexpr std::string_view kPrimes = "78498 primes, zeta 1.64493";
  constexpr std::string_view kDriverFaults =
      "{COM1}echo faults-$(dmesg | grep -cE 'ata[0-9].*(exception|fail|lost|limit|reset)|I/O error|EXT4-fs error')"
      "{ENTER}";
  constexpr std::string_view kPowerOff = "{COM1}poweroff{ENTER}";
  return {
      .name = "debian-disk",
      .files = {{"--hda", "debian-disk.img"}},
      .options = {"--memory", "256M", "--serial", "stdio"},
      .steps = then(log_in(), {type(kSource), expect(kPrimes),
                               type("{COM1}head -c 20M /dev/urandom > random.bin; mkdir tree{ENTER}"
                                    "tar -C /usr -c include | tar -C tree -x{ENTER}"
                                    "tar -cz tree > tree.tar.gz{ENTER}"
                                    "find primes* random.bin tree* -type f | xargs sha256sum > sums{ENTER}"
                                    "sync && echo written-$((6*7)){ENTER}"),
                               expect("written-42"), type("{COM1}cat /sys/class/ata_device/dev1.0/xfer_mode{ENTER}"),
                               expect("DMA_"), type(kDriverFaults), expect("faults-0"), type(kPowerOff)}),
      .next_steps = then(log_in(), {type("{COM1}sha256sum -c --quiet sums && echo intact-$((6*7)){ENTER}"),
                                    expect("intact-42"), type("{COM1}./primes{ENTER}"), expect(kPrimes),
                                    type(kDriverFaults), expect("faults-0"), type(kPowerOff)}),
      .timeout = 1800,
      .file_system_at = 1 << 20};
}

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
  const auto grub = [](std::string_view name, std::string_view option, std::string_view file,
                       std::string_view devices) {
    // The quotes tell the answer from the echo of what was typed.
    return BootCase{.name = name,
                    .files = {{option, file}},
                    .options = {},
                    .steps = {expect("GNU GRUB"), type("c"), expect("grub>"), type("echo hel\"lo\"{ENTER}"),
                              expect("hello"), type("ls{ENTER}"), expect(devices)},
                    .timeout = 120,
                    .quick = option == "--fda"};
  };
  cases.push_back(grub("grub-floppy", "--fda", "/usr/lib/grub-rescue/grub-rescue-floppy.img", "(fd0)"));
  cases.push_back(grub("grub-cd", "--cdrom", "/usr/lib/grub-rescue/grub-rescue-cdrom.iso", "(cd)"));
  cases.push_back(grub("grub-disk", "--hda", "/usr/lib/grub-rescue/grub-rescue-usb.img", "(hd0"));
  const auto memtest = [](std::string_view name, std::string_view option, std::string_view file) {
    return BootCase{.name = name,
                    .files = {{option, file}},
                    .options = {"--memory", "32M"},
                    .steps = {expect("Memtest86+"), expect("Testing: 0KB"), expect("Errors: 0")},
                    .timeout = 120,
                    .seabios = option == "--cdrom"};
  };
  constexpr std::string_view kMemtestCd = "/usr/lib/memtest86+/memtest86+ia32.iso";
  BootCase start = memtest("memtest86+-cd", "--cdrom", kMemtestCd);
  start.quick = true;
  cases.push_back(start);
  cases.push_back(memtest("memtest86+-direct", "--kernel", "/boot/memtest86+ia32.bin"));
  BootCase pass = memtest("memtest86+-pass", "--cdrom", kMemtestCd);
  // The banner comes after a whole pass without an error, and only then.
  pass.steps = {expect("Testing: 0KB"), expect("Pass:  1        Errors: 0"), expect("to remove this banner")};
  pass.timeout = 3600;
  cases.push_back(pass);
  cases.push_back({.name = "memdisk-direct",
                   .files = {{"--kernel", "/usr/lib/syslinux/memdisk"}, {"--initrd", "freedos-1440K.img"}},
                   .options = {},
                   .steps = {dos_prompt(), type("dir{ENTER}"), expect("bytes free")},
                   .timeout = 60,
                   .seabios = false});
  cases.push_back({.name = "ipxe-cd",
                   .files = {{"--cdrom", "/usr/lib/ipxe/ipxe.iso"}},
                   .options = {},
                   .steps = {expect("iPXE 1."), expect("No more network devices")},
                   .timeout = 120});
  cases.push_back({.name = "ipxe-direct",
                   .files = {{"--kernel", "/boot/ipxe.lkrn"}},
                   .options = {},
                   .steps = {expect("iPXE 1."), expect("No more network devices")},
                   .timeout = 60,
                   .seabios = false});
  cases.push_back({.name = "gnumach-multiboot",
                   .files = {{"--kernel", "gnumach"}},
                   .options = {},
                   .steps = {expect("GNU Mach 1.8"), expect("Probing PCI hardware"), expect("bootstrap_create")},
                   .timeout = 60,
                   .seabios = false});
  const auto linux = [](std::string_view name, std::string_view kernel) {
    return BootCase{.name = name,
                    .files = {{"--kernel", kernel}, {"--initrd", "initrd.gz"}},
                    .options = {"--memory", "256M", "--append", "console=ttyS0", "--serial", "stdio"},
                    .steps = {expect("This is Linux on Penumbra"), expect("/ # "),
                              type("{COM1}echo $((6*7))-ok{ENTER}"), expect("42-ok"), type("{COM1}poweroff{ENTER}")},
                    .timeout = 900,
                    .seabios = false};
  };
  cases.push_back(linux("linux-686", "vmlinuz-686"));
  cases.push_back(linux("linux-686-pae", "vmlinuz-686-pae"));
  cases.push_back(debian_disk());
  // On the serial line, and on the text screen without a frame buffer.
  const auto installer = [](std::string_view name, std::vector<std::string_view> options) {
    options.insert(options.end(), {"--memory", "512M"});
    return BootCase{.name = name,
                    .files = {{"--kernel", "installer-linux"}, {"--initrd", "installer-initrd.gz"}},
                    .options = std::move(options),
                    .steps = {expect("Select a language")},
                    .timeout = 1800,
                    .seabios = false};
  };
  cases.push_back(installer("debian-installer-serial", {"--append", "console=ttyS0", "--serial", "stdio"}));
  cases.push_back(installer("debian-installer-screen", {"--append", "vga=normal nomodeset fb=false"}));
  return cases;
}

}  // namespace

std::span<const BootCase> boot_cases() {
  static const std::vector<BootCase> cases = make_cases();
  return cases;
}

}  // namespace penumbra::conformance
