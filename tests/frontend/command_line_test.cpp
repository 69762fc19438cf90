// Options, machine files and the errors they answer with.
#include "frontend/command_line.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "core/cpu/isa_table.h"

using namespace penumbra;

namespace {

RunSettings settings_of(std::vector<std::string> arguments) {
  const RunCommand command = parse_run(arguments);
  REQUIRE(command.asks == RunCommand::Asks::run);
  return command.settings;
}

std::string error_of(std::vector<std::string> arguments) {
  try {
    parse_run(arguments);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "no error";
}

bool has(const std::string& text, const std::string& part) {
  INFO(text);
  CHECK(text.find(part) != std::string::npos);
  return text.find(part) != std::string::npos;
}

// A folder with one machine file, gone at the end of the test.
struct MachineFile {
  explicit MachineFile(const std::string& text) {
    folder = std::filesystem::temp_directory_path() / fmt::format("penumbra-test-{}", getpid());
    std::filesystem::create_directories(folder);
    path = (folder / "machine.toml").string();
    std::ofstream(path) << text;
  }
  ~MachineFile() { std::filesystem::remove_all(folder); }
  std::filesystem::path folder;
  std::string path;
};

}  // namespace

TEST_CASE("a run without options is a machine with an empty floppy and CD drive") {
  const RunSettings settings = settings_of({});
  CHECK(settings.machine.memory_bytes == u64{128} << 20);
  REQUIRE(settings.machine.floppy[0]);
  CHECK(settings.machine.floppy[0]->path.empty());
  CHECK_FALSE(settings.machine.floppy[1]);
  REQUIRE(settings.machine.ide[2]);
  CHECK(settings.machine.ide[2]->cdrom);
  CHECK_FALSE(settings.machine.ide[0]);
  CHECK(settings.machine.boot_order == "acd");
  CHECK(settings.display == DisplayKind::automatic);
}

TEST_CASE("options reach the machine's configuration") {
  const RunSettings settings = settings_of({"--memory",
                                            "256M",
                                            "--cpu=pentium",
                                            "-hda",
                                            "a.img",
                                            "--hdd=d.img",
                                            "--cdrom",
                                            "x.iso",
                                            "--fda",
                                            "1.img",
                                            "--fda",
                                            "2.img",
                                            "--boot",
                                            "order=dc",
                                            "--kernel",
                                            "k",
                                            "--initrd",
                                            "m1 arg",
                                            "--initrd",
                                            "m2",
                                            "--append",
                                            "-x console=ttyS0",
                                            "--serial",
                                            "file:log",
                                            "--serial",
                                            "unix:/tmp/s,server,nowait",
                                            "--icount=20",
                                            "--rtc",
                                            "base=2000-01-02T03:04:05",
                                            "--debug-exit",
                                            "0x501",
                                            "--no-reboot",
                                            "--readonly",
                                            "--timeout",
                                            "2.5",
                                            "--trace",
                                            "ide,pic",
                                            "--gdb",
                                            ":1234,nowait",
                                            "--display",
                                            "none",
                                            "--screen-text",
                                            "--stats"});
  const MachineConfig& machine = settings.machine;
  CHECK(machine.memory_bytes == u64{256} << 20);
  CHECK(machine.cpu == "pentium");
  CHECK(machine.ide[0]->path == "a.img");
  CHECK(machine.ide[0]->read_only);
  CHECK(machine.ide[2]->path == "x.iso");
  CHECK(machine.ide[2]->cdrom);
  CHECK(machine.ide[3]->path == "d.img");
  CHECK_FALSE(machine.ide[3]->cdrom);
  CHECK(machine.floppy[0]->path == "1.img");
  CHECK(settings.floppies[0].media.size() == 2);
  CHECK(machine.boot_order == "dc");
  CHECK(machine.initrd == std::vector<std::string>{"m1 arg", "m2"});
  CHECK(machine.append == "-x console=ttyS0");
  CHECK(settings.serial[0].path == "log");
  CHECK(settings.serial[1].kind == ChannelKind::unix_socket);
  CHECK(settings.serial[1].path == "/tmp/s");
  CHECK(machine.icount);
  CHECK(machine.icount_nanoseconds == 20);
  CHECK(*machine.rtc_epoch == 946782245);
  CHECK(machine.debug_exit_port == 0x501);
  CHECK(machine.no_reboot);
  CHECK(*settings.timeout_seconds == 2.5);
  CHECK(settings.trace == std::vector<Channel>{Channel::ide, Channel::pic});
  CHECK(settings.gdb->port == 1234);
  CHECK(settings.gdb->host == "127.0.0.1");
  CHECK_FALSE(settings.gdb->wait);
  CHECK(*settings.screen_text == "-");
}

TEST_CASE("--nographic is a terminal on COM1") {
  const RunSettings settings = settings_of({"--nographic"});
  CHECK(settings.display == DisplayKind::none);
  REQUIRE(settings.serial.size() == 1);
  CHECK(settings.serial[0].escape);
  CHECK(settings_of({"-nographic", "--serial", "null"}).serial[0].kind == ChannelKind::null);
}

TEST_CASE("memory sizes") {
  CHECK(settings_of({"-m", "64"}).machine.memory_bytes == u64{64} << 20);
  CHECK(settings_of({"-m", "1G"}).machine.memory_bytes == u64{1} << 30);
  CHECK(settings_of({"-m", "4096K"}).machine.memory_bytes == u64{4} << 20);
  CHECK(settings_of({"-m", "2GiB"}).machine.memory_bytes == u64{2} << 30);
  CHECK(settings_of({"-m", "60g"}).machine.memory_bytes == u64{60} << 30);
  for (const char* bad :
       {"", "M", "-1", "1T", "640K", "61G", "99999999999999999999G", "1.5G", "1025K1", "5iB", "1026K"})
    has(error_of({std::string("--memory=") + bad}), "--memory: ");
}

TEST_CASE("kinds of instructions left to the interpreter add up") {
  CHECK(settings_of({}).machine.translator.interpreted_themes == 0);
  const u32 both =
      settings_of({"--translator", "helper=x87", "--translator", "helper=stack"}).machine.translator.interpreted_themes;
  CHECK(both == (themes_named("x87") | themes_named("stack")));
  const std::string error = error_of({"--translator", "helper=x88"});
  has(error, "--translator: 'helper=x88': no kind of instructions; expected one of all, x87");
  for (const Theme& theme : themes()) has(error, std::string(theme.name));
}

TEST_CASE("addresses whose translation is shown are hexadecimal, and switch the trace on") {
  const RunSettings settings = settings_of(
      {"--engine", "translator", "--dump-translation", "c0100000", "--dump-translation=0x10", "--trace-file", "x"});
  CHECK(settings.machine.translator.listed == std::vector<u32>{0xC010'0000, 0x10});
  CHECK(settings.trace == std::vector<Channel>(2, Channel::translation));
  has(error_of({"--dump-translation", "main"}), "--dump-translation");
  has(error_of({"--dump-translation", "100000000"}), "--dump-translation");
  has(error_of({"--engine", "interpreter", "--dump-translation", "10"}), "needs --engine translator");
  CHECK(settings_of({"--engine", "translator", "--perf-map"}).machine.translator.perf_map);
  has(error_of({"--engine", "interpreter", "--perf-map"}), "needs --engine translator");
}

TEST_CASE("drives that exclude each other, and drives that are left out") {
  has(error_of({"--cdrom", "x.iso", "--hdc", "c.img"}), "--hdc");
  const RunSettings settings = settings_of({"--cdrom", "none", "--fda", "none", "--fdb", "empty"});
  CHECK_FALSE(settings.machine.ide[2]);
  CHECK_FALSE(settings.machine.floppy[0]);
  CHECK(settings.machine.floppy[1]->path.empty());
  has(error_of({"--hda", "empty"}), "never empty");
}

TEST_CASE("errors name the option and what was expected") {
  has(error_of({"--cdrm", "x"}), "did you mean '--cdrom'?");
  has(error_of({"--memroy", "1G"}), "did you mean '--memory'?");
  has(error_of({"--qqqqqqqqq"}), "unknown option '--qqqqqqqqq'");
  has(error_of({"--cpu", "pentum"}), "did you mean 'pentium'?");
  has(error_of({"--cpu"}), "--cpu needs a value: --cpu MODEL");
  has(error_of({"--cpu", "--nographic"}), "but '--nographic' follows");
  has(error_of({"--nographic=yes"}), "takes no value");
  has(error_of({"win98.iso"}), "did you mean --cdrom win98.iso?");
  has(error_of({"--boot", "x"}), "a floppy, c hard disk, d CD");
  has(error_of({"--boot", "aa"}), "twice");
  has(error_of({"--rtc", "base=2000-13-01"}), "--rtc: ");
  has(error_of({"--debug-exit", "70000"}), "--debug-exit: ");
  has(error_of({"--trace", "ied"}), "did you mean 'ide'?");
  has(error_of({"--serial", "stdoi"}), "did you mean 'stdio'?");
  has(error_of({"--serial", "null", "--serial", "null", "--serial", "null"}), "two serial ports");
  has(error_of({"--serial", "stdio", "--debugcon", "stdio"}), "both want standard input");
  has(error_of({"--initrd", "x"}), "needs --kernel");
  has(error_of({"--timeout", "0"}), "--timeout: ");
  has(error_of({"--gdb", "host:port"}), "--gdb: ");
  has(error_of({"--memory", "1G", "--memory", "2G"}), "given twice");
  has(error_of({"--type", "{ENTR}"}), "did you mean 'ENTER'?");
  has(error_of({"--expect", ""}), "--expect: ");
  has(error_of({"--nographic", "--display", "sdl"}), "contradict");
}

TEST_CASE("type and expect form one script in the order given") {
  const RunSettings settings = settings_of({"--expect", "A", "--type", "x{ENTER}", "--expect", "-B"});
  REQUIRE(settings.script.size() == 4);
  CHECK(settings.script[0].text == "A");
  CHECK(settings.script[1].stroke.bytes == "x");
  CHECK(settings.script[3].text == "-B");
}

TEST_CASE("a machine file says the same things") {
  const MachineFile file(R"(
memory = "32M"
cpu = "486"
hda = "disk.img"
hdd = { file = "second.iso", cdrom = true }
fda = ["1.img", { file = "/abs/2.img", readonly = true }]
serial = ["file:log.txt", "null"]
no-reboot = true
readonly = false
icount = 5
timeout = 7.5
debug-exit = 0x501
script = [{ expect = "login:" }, { type = "root{ENTER}" }]
)");
  const RunSettings settings = settings_of({"--cpu", "p3", "--config", file.path});
  const std::string folder = file.folder.string() + "/";
  CHECK(settings.machine.memory_bytes == u64{32} << 20);
  CHECK(settings.machine.cpu == "p3");
  CHECK(settings.machine.ide[0]->path == folder + "disk.img");
  CHECK_FALSE(settings.machine.ide[0]->read_only);
  CHECK(settings.machine.ide[3]->cdrom);
  CHECK(settings.floppies[0].media[1].path == "/abs/2.img");
  CHECK(settings.floppies[0].media[1].read_only);
  CHECK_FALSE(settings.floppies[0].media[0].read_only);
  CHECK(settings.serial[0].path == folder + "log.txt");
  CHECK(settings.machine.no_reboot);
  CHECK(settings.machine.icount_nanoseconds == 5);
  CHECK(*settings.timeout_seconds == 7.5);
  CHECK(settings.machine.debug_exit_port == 0x501);
  CHECK(settings.script.size() == 6);
  // One script replaces the other as a whole.
  CHECK(settings_of({"--config", file.path, "--expect", "x"}).script.size() == 1);
}

TEST_CASE("a bad machine file is named with its line") {
  const auto error_in = [](const std::string& text) {
    const MachineFile file(text);
    const std::string error = error_of({"--config", file.path});
    has(error, "machine.toml:");
    return error;
  };
  has(error_in("memory = \"32M\"\nmemroy = 3\n"), ":2: unknown option 'memroy'; did you mean 'memory'?");
  has(error_in("memory = \n"), ":1: ");
  has(error_in("memory = [1]\n"), "one value, not a list");
  has(error_in("memory = true\n"), "expected SIZE");
  has(error_in("no-reboot = 1\n"), "expected true or false");
  has(error_in("\nmemory = \"x\"\n"), ":2: memory: 'x' is not a size");
  has(error_in("hda = { fiel = \"x\" }\n"), "expected file =");
  has(error_in("script = [{ foo = \"x\" }]\n"), "expected a list such as");
  has(error_in("config = \"other.toml\"\n"), "can't read another");
  CHECK_THROWS_AS(settings_of({"--config", "/nonexistent/machine.toml"}), HostError);
}
