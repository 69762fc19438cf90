// The rows.
#include "frontend/options.h"

#include <fmt/format.h>

#include <vector>

#include "core/base/error.h"
#include "frontend/gdb_spec.h"
#include "frontend/suggest.h"
#include "frontend/values.h"

namespace penumbra {

namespace {

using Settings = RunSettings&;
using Value = std::string_view;

constexpr std::string_view kFile = "@file";
constexpr std::string_view kChannels = "stdio mon:stdio file: pty unix: null";

std::string file(Value value) {
  if (value.empty()) throw ConfigError("expected the name of a file");
  return std::string(value);
}

void add_medium(DriveOption& drive, Value value, bool cdrom) {
  drive.given = true;
  if (value == "none") {
    drive.present = false;
  } else if (value != "empty") {
    drive.media.push_back({.path = file(value), .cdrom = cdrom});
  }
}

void set_disk(DriveOption& drive, Value value) {
  if (value == "empty") throw ConfigError("a hard disk is never empty: expected an image file or none");
  add_medium(drive, value, false);
}

u32 parse_linear(Value value) {
  const std::string digits(value.starts_with("0x") ? value.substr(2) : value);
  return static_cast<u32>(parse_number("0x" + digits, 0, 0xFFFF'FFFF));
}

using enum OptionGroup;

constexpr Option kOptions[] = {
    {"memory", "m", machine, Takes::value, false, "SIZE", "16M 64M 128M 256M 512M 1G",
     "RAM: 64M, 1G, 4096K; a bare number is MiB. From 1M to 60G; 128M unless given.",
     [](Settings s, Value v) { s.machine.memory_bytes = parse_memory_size(v); }},
    {"cpu", "", machine, Takes::value, false, "MODEL", "486 pentium p2 p3 p4",
     "CPU model: 486, pentium, p2, p3 or p4 (p4 unless given). Old systems may refuse a CPU that is too new.",
     [](Settings s, Value v) { s.machine.cpu = parse_word(v, "486 pentium p2 p3 p4"); }},
    {"bios", "", machine, Takes::value, false, "FILE", kFile, "System BIOS image instead of Penumbra's own.",
     [](Settings s, Value v) { s.machine.bios = file(v); }},
    {"vgabios", "", machine, Takes::value, false, "FILE", kFile, "VGA BIOS image instead of Penumbra's own.",
     [](Settings s, Value v) { s.machine.vgabios = file(v); }},
    {"engine", "", machine, Takes::value, false, "NAME", kEngineNames,
     "What executes guest code: interpreter, translator, or lockstep (the translator, with every block compared with "
     "what the interpreter makes of it; a difference ends the run). The translator unless given, and with --icount the "
     "interpreter.",
     [](Settings s, Value v) {
       s.machine.engine = engine_named(parse_word(v, kEngineNames));
       s.engine_given = true;
     }},
    {"mmu", "", machine, Takes::value, false, "KIND", kMmuNames,
     "How translated code reaches guest memory: windows (the host's page tables for code that runs often; the "
     "default), "
     "registers (the same without the host's GS segment), or soft (a software TLB for all code).",
     [](Settings s, Value v) { s.machine.translator.mmu = mmu_named(parse_word(v, kMmuNames)); }},
    {"translator", "", machine, Takes::value, true, "SETTING",
     "block=1 cache=1M promote=0 check=1 tlb=1 spaces=1 forget helper=",
     "A setting of the translator, for tests: block=N (the most instructions of a block), cache=SIZE (of host code), "
     "promote=N (how often a block runs before it gets a window's code; 0 is at once), "
     "check=N (how many writes to a page of code are trapped before its blocks compare their bytes themselves), "
     "tlb=N (entries of a software TLB), spaces=N (address spaces whose mappings are kept, of users and of the "
     "supervisor each), forget (keep nothing that was translated), or helper=KIND (leave a kind of instructions to the "
     "interpreter, to find by bisecting which is translated wrongly: all, arithmetic, logic, move, stack, control, "
     "string, x87, mmx, sse ...; a wrong name lists them).",
     [](Settings s, Value v) { apply_setting(v, s.machine.translator); }},
    {"icount", "", machine, Takes::optional_value, false, "NS", "",
     "Deterministic time: every instruction takes NS nanoseconds of guest time (10 unless given), whatever the host "
     "does, so that two runs are the same to the last bit.",
     [](Settings s, Value v) {
       s.machine.icount = true;
       if (!v.empty()) s.machine.icount_nanoseconds = static_cast<u32>(parse_number(v, 1, 1'000'000));
     }},
    {"rtc", "", machine, Takes::value, false, "base=BASE", "base=utc base=localtime",
     "What the battery clock shows: base=utc (the host's time; the default), base=localtime, or a fixed start such as "
     "base=1999-12-31T23:59:00.",
     [](Settings s, Value v) {
       const RtcBase base = parse_rtc(v);
       s.machine.rtc_epoch = base.epoch;
       s.machine.rtc_local = base.local;
     }},
    {"debug-exit", "", machine, Takes::value, false, "PORT", "0xF4 off",
     "Port of the debug exit (0xF4 unless given), or off. A value v written there ends the run with exit code "
     "(v << 1) | 1.",
     [](Settings s, Value v) { s.machine.debug_exit_port = parse_debug_exit(v); }},
    {"no-reboot", "", machine, Takes::nothing, false, "", "",
     "End the run when the guest resets itself or triple-faults, instead of booting again.",
     [](Settings s, Value) { s.machine.no_reboot = true; }},
    {"config", "", machine, Takes::value, false, "FILE.toml", kFile,
     "Read a machine file first: its keys are these options' names. Options on the command line override it.", nullptr},

    {"fda", "", drives, Takes::value, true, "FILE", kFile,
     "Floppy image in drive A:. Repeat it for further disks of a set, which Ctrl+Alt+E and the monitor's 'eject' put "
     "in one after the other. 'none' removes the drive, 'empty' leaves it without a disk (the default).",
     [](Settings s, Value v) { add_medium(s.floppies[0], v, false); }},
    {"fdb", "", drives, Takes::value, true, "FILE", kFile,
     "Floppy image in drive B:, which is there only if this is given ('empty' for a drive without a disk).",
     [](Settings s, Value v) { add_medium(s.floppies[1], v, false); }},
    {"hda", "", drives, Takes::value, false, "FILE", kFile, "Hard disk image: primary master.",
     [](Settings s, Value v) { set_disk(s.disks[0], v); }},
    {"hdb", "", drives, Takes::value, false, "FILE", kFile, "Hard disk image: primary slave.",
     [](Settings s, Value v) { set_disk(s.disks[1], v); }},
    {"hdc", "", drives, Takes::value, false, "FILE", kFile,
     "Hard disk image: secondary master, in the CD drive's place.",
     [](Settings s, Value v) { set_disk(s.disks[2], v); }},
    {"hdd", "", drives, Takes::value, false, "FILE", kFile, "Hard disk image: secondary slave.",
     [](Settings s, Value v) { set_disk(s.disks[3], v); }},
    {"cdrom", "", drives, Takes::value, true, "FILE", kFile,
     "CD or DVD image (secondary master). May be repeated, as --fda; 'none' removes the drive, 'empty' leaves it "
     "without a disc (the default).",
     [](Settings s, Value v) { add_medium(s.cdrom, v, true); }},
    {"readonly", "", drives, Takes::nothing, false, "", "",
     "Open all disk and floppy images for reading only: the guest sees write-protected media.",
     [](Settings s, Value) { s.read_only_images = true; }},

    {"boot", "", boot, Takes::value, false, "order=ORDER", "order=acd order=cd order=d order=c order=a",
     "Devices to boot from, tried in turn: a floppy, c hard disk, d CD. Letters alone will do: --boot dc. "
     "acd unless given.",
     [](Settings s, Value v) { s.machine.boot_order = parse_boot_order(v); }},
    {"kernel", "", boot, Takes::value, false, "FILE", kFile,
     "Boot this Linux kernel (bzImage) or multiboot ELF file directly.",
     [](Settings s, Value v) { s.machine.kernel = file(v); }},
    {"initrd", "", boot, Takes::value, true, "FILE", kFile,
     "The kernel's initial RAM disk. Repeat it for multiboot modules, each with its arguments behind a blank: "
     "--initrd 'module.elf arg'.",
     [](Settings s, Value v) { s.machine.initrd.push_back(file(v)); }},
    {"append", "", boot, Takes::value, false, "TEXT", "", "The kernel's command line.",
     [](Settings s, Value v) { s.machine.append = std::string(v); }},

    {"serial", "", ports, Takes::value, true, "CHANNEL", kChannels,
     "Where COM1 leads, and given twice COM2: stdio, mon:stdio (with the Ctrl-A escape), file:PATH, pty, unix:PATH "
     "(listens) or null (the default).",
     [](Settings s, Value v) {
       if (s.serial.size() == 2) throw ConfigError("there are two serial ports, COM1 and COM2");
       s.serial.push_back(parse_channel(v));
     }},
    {"parallel", "", ports, Takes::value, false, "CHANNEL", kChannels,
     "Where the parallel port's output goes: as --serial.", [](Settings s, Value v) { s.parallel = parse_channel(v); }},
    {"debugcon", "", ports, Takes::value, false, "CHANNEL", kChannels,
     "Where bytes written to port 0xE9 go: as --serial.", [](Settings s, Value v) { s.debugcon = parse_channel(v); }},
    {"monitor", "", ports, Takes::value, false, "CHANNEL", kChannels,
     "Where Penumbra's own command prompt is: as --serial. With --nographic it is behind Ctrl-A c.",
     [](Settings s, Value v) { s.monitor = parse_channel(v); }},

    {"display", "", display, Takes::value, false, "KIND", "sdl none",
     "sdl: a window; none: no picture. A window unless there is no display to open one on.",
     [](Settings s, Value v) {
       s.display = parse_word(v, "sdl none") == "sdl" ? DisplayKind::sdl : DisplayKind::none;
     }},
    {"nographic", "", display, Takes::nothing, false, "", "",
     "No window; COM1 is this terminal, and Ctrl-A h explains the way out. Same as --display none "
     "--serial mon:stdio.",
     [](Settings s, Value) { s.nographic = true; }},
    {"full-screen", "", display, Takes::nothing, false, "", "",
     "Start with the window filling the screen; Ctrl+Alt+F goes back.",
     [](Settings s, Value) { s.full_screen = true; }},
    {"screenshot", "", display, Takes::value, false, "FILE.png", kFile,
     "Write the picture as PNG when the run ends, and whenever the process gets SIGUSR1.",
     [](Settings s, Value v) { s.screenshot = file(v); }},
    {"screen-text", "", display, Takes::optional_value, false, "FILE", kFile,
     "Write the text screen as UTF-8 when the run ends: to FILE, or to standard output.",
     [](Settings s, Value v) { s.screen_text = v.empty() ? "-" : std::string(v); }},

    {"type", "", script, Takes::value, true, "TEXT", "",
     "Type text on the guest's keyboard (with --nographic on COM1). Keys stand in braces: {ENTER}, {F1}, {CTRL-C}, "
     "{CTRL-ALT-DELETE}; {WAIT 500} waits 500 ms of guest time; {KEYBOARD}, {COM1} and {COM2} say where the rest is "
     "typed; {{} is a brace.",
     [](Settings s, Value v) {
       for (ScriptStep& step : parse_type(v)) s.script.push_back(std::move(step));
     }},
    {"expect", "", script, Takes::value, true, "TEXT", "",
     "Wait until TEXT stands on a serial line or on the text screen. --type and --expect form one script, in the order "
     "given; when its last step is an --expect, meeting it ends the run with exit code 0.",
     [](Settings s, Value v) { s.script.push_back(parse_expect(v)); }},
    {"timeout", "", script, Takes::value, false, "SECONDS", "10 60 300",
     "End the run after so many seconds of host time, with exit code 8.",
     [](Settings s, Value v) { s.timeout_seconds = parse_seconds(v); }},
    {"stats", "", script, Takes::nothing, false, "", "",
     "Print instructions, time, speed and what the engine did, in total and a second, when the run ends, and with "
     "--icount a hash of the whole machine.",
     [](Settings s, Value) { s.stats = true; }},

    {"trace", "", debug, Takes::value, true, "CHANNEL,...",
     "all instructions interrupts faults paging ports mmio pic pit rtc keyboard dma floppy ide serial parallel vga pci "
     "acpi apic fw_cfg speaker bios guest translation",
     "Log what happens on these channels; a wrong name lists them all.",
     [](Settings s, Value v) {
       for (const Channel channel : parse_trace_channels(v)) s.trace.push_back(channel);
     }},
    {"trace-file", "", debug, Takes::value, false, "FILE", kFile, "Where the trace goes, instead of standard error.",
     [](Settings s, Value v) { s.trace_file = file(v); }},
    {"dump-translation", "", debug, Takes::value, true, "ADDRESS", "",
     "Show each block of translated code that covers this linear address (hexadecimal) when it is made: guest code "
     "beside host code. It is trace channel 'translation', which alone shows every block.",
     [](Settings s, Value v) {
       s.machine.translator.listed.push_back(parse_linear(v));
       s.trace.push_back(Channel::translation);
     }},
    {"perf-map", "", debug, Takes::nothing, false, "", "",
     "Write /tmp/perf-PID.map, so that perf shows translated blocks by their guest addresses.",
     [](Settings s, Value) { s.machine.translator.perf_map = true; }},
    {"gdb", "", debug, Takes::value, false, "WHERE", ":1234 stdio unix:",
     "Wait for gdb at :PORT, HOST:PORT, unix:PATH or stdio, before the guest's first instruction. ':1234,nowait' lets "
     "the guest run meanwhile.",
     [](Settings s, Value v) { s.gdb = parse_gdb(v); }},
};

}  // namespace

std::span<const Option> run_options() { return kOptions; }

std::string_view group_title(OptionGroup group) {
  switch (group) {
    case machine: return "Machine";
    case drives: return "Drives";
    case boot: return "Booting";
    case ports: return "Ports";
    case display: return "Display";
    case script: return "Unattended runs";
    case debug: return "Debugging";
  }
  return "";
}

const Option* find_option(std::string_view name) {
  for (const Option& option : kOptions)
    if (option.name == name || (!option.alias.empty() && option.alias == name)) return &option;
  return nullptr;
}

void throw_unknown_option(std::string_view name, std::string_view prefix) {
  std::vector<std::string_view> names;
  for (const Option& option : kOptions) names.push_back(option.name);
  if (!prefix.empty()) names.insert(names.end(), {"help", "help-all", "version"});
  throw ConfigError(fmt::format("unknown option '{}{}'{}", prefix, name, did_you_mean(name, names, prefix)));
}

}  // namespace penumbra
