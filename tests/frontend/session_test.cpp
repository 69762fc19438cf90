// Whole runs against a fake guest: exit codes, scripts, channels, monitor, and what is left behind.
#include "frontend/session.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <png.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/error.h"
#include "frontend/command_line.h"
#include "tests/support/fake_guest.h"

using namespace penumbra;
using namespace penumbra::test;

namespace {

// A bare chroot has no /dev/pts.
bool host_has_pseudo_terminals() { return FileDescriptor(posix_openpt(O_RDWR | O_NOCTTY)).open(); }

struct Folder {
  Folder() : path(std::filesystem::temp_directory_path() / fmt::format("penumbra-session-{}", getpid())) {
    std::filesystem::create_directories(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const std::string& name) const { return (path / name).string(); }
  std::string text(const std::string& name) const {
    std::ifstream stream(path / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  }
  std::filesystem::path path;
};

int run_with(FakeGuest& guest, std::vector<std::string> arguments) {
  arguments.insert(arguments.end(), {"--display", "none"});
  const RunCommand command = parse_run(arguments);
  Session session(command.settings, guest, nullptr);
  return session.run();
}

Stop stop(StopReason reason, u32 value = 0) { return {reason, value, "here"}; }

FakeGuest guest_that(std::function<std::optional<Stop>(FakeGuest&)> program) {
  FakeGuest guest;
  guest.program = std::move(program);
  return guest;
}

// A client of a Unix socket.
struct Client {
  explicit Client(const std::string& path) : file(socket(AF_UNIX, SOCK_STREAM, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    connected = connect(file, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~Client() { close(file); }
  void send(std::string_view text) {
    CHECK(write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  std::string receive() {
    char buffer[8192];
    const ssize_t count = recv(file, buffer, sizeof buffer, MSG_DONTWAIT);
    return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : "";
  }
  int file;
  bool connected;
};

}  // namespace

TEST_CASE("a line of serial output is out when it ends, and all of it when the guest falls asleep") {
  Folder folder;
  std::string seen, seen_asleep;
  FakeGuest guest = guest_that([&](FakeGuest& g) {
    g.com[0].write("whole\npart");
    seen = folder.text("com1");
    g.before_sleep();
    seen_asleep = folder.text("com1");
    return stop(StopReason::powered_off);
  });
  CHECK(run_with(guest, {"--serial", "file:" + folder.file("com1")}) == 0);
  CHECK(seen == "whole\n");
  CHECK(seen_asleep == "whole\npart");
  CHECK(folder.text("com1") == "whole\npart");
}

TEST_CASE("an idle guest is looked at less often where nothing is to be typed or waits for it") {
  Folder folder;
  const auto idle_time = [](std::vector<std::string> options, std::size_t room = 1000) {
    FakeGuest guest = guest_that([](FakeGuest&) { return stop(StopReason::powered_off); });
    guest.com[0].room_left = room;
    run_with(guest, std::move(options));
    return guest.last_idle_time;
  };
  CHECK(idle_time({}) == milliseconds(200));
  CHECK(idle_time({"--type", "dir{ENTER}"}) == milliseconds(10));
  const std::string serial = "file:" + folder.file("com1");
  CHECK(idle_time({"--serial", serial}) == milliseconds(200));
  CHECK(idle_time({"--serial", serial}, 0) == milliseconds(10));
}

TEST_CASE("each way a run ends has its exit code") {
  const auto code_of = [](StopReason reason, u32 value = 0) {
    FakeGuest guest = guest_that([=](FakeGuest&) { return stop(reason, value); });
    return run_with(guest, {});
  };
  CHECK(code_of(StopReason::powered_off) == 0);
  CHECK(code_of(StopReason::reset) == 14);
  CHECK(code_of(StopReason::triple_fault) == 4);
  CHECK(code_of(StopReason::debug_exit, 0) == 1);
  CHECK(code_of(StopReason::debug_exit, 0x10) == 0x21);
  CHECK(code_of(StopReason::debug_exit, 0xFF) == 0xFF);
}

TEST_CASE("the time limit ends a run, and says so in its exit code") {
  FakeGuest guest;
  CHECK(run_with(guest, {"--timeout", "0.05"}) == 8);
  CHECK(run_with(guest, {"--timeout", "0.05", "--expect", "never"}) == 8);
}

TEST_CASE("met expectations end the run; unmet ones are a failure") {
  const auto program = [](FakeGuest& guest) -> std::optional<Stop> {
    if (guest.slices == 3) guest.com[0].write("login: ");
    if (guest.com[0].received == "root\r") guest.com[0].write("\r\nwelcome\r\n# ");
    return std::nullopt;
  };
  FakeGuest guest = guest_that(program);
  CHECK(run_with(guest, {"--serial", "null", "--expect", "login:", "--type", "{COM1}root{ENTER}", "--expect", "welcome",
                         "--timeout", "10"}) == 0);
  FakeGuest quitter = guest_that([](FakeGuest& g) -> std::optional<Stop> {
    return g.slices == 3 ? std::optional(stop(StopReason::powered_off)) : std::nullopt;
  });
  CHECK(run_with(quitter, {"--expect", "login:"}) == 6);
}

TEST_CASE("what the guest says with its last breath still counts") {
  FakeGuest guest = guest_that([](FakeGuest& g) -> std::optional<Stop> {
    g.com[0].write("PASS\n");
    return stop(StopReason::powered_off);
  });
  CHECK(run_with(guest, {"--expect", "PASS"}) == 0);
}

TEST_CASE("a script that ends by typing leaves the end to the guest") {
  FakeGuest guest = guest_that([](FakeGuest& g) -> std::optional<Stop> {
    g.screen.lines = {"A:\\>"};
    return g.keys.events.size() == 4 ? std::optional(stop(StopReason::powered_off)) : std::nullopt;
  });
  CHECK(run_with(guest, {"--expect", "A:\\>", "--type", "x{ENTER}", "--timeout", "10"}) == 0);
}

TEST_CASE("output goes to files, and results are written at the end") {
  const Folder folder;
  FakeGuest guest = guest_that([](FakeGuest& g) -> std::optional<Stop> {
    g.com[0].write("one");
    g.com[1].write("two");
    g.lpt.write("three");
    g.console.write("four");
    g.screen.lines = {"", "C:\\>\xE2\x96\x91", ""};
    return stop(StopReason::powered_off);
  });
  CHECK(run_with(guest, {"--serial", "file:" + folder.file("1"), "--serial", "file:" + folder.file("2"), "--parallel",
                         "file:" + folder.file("3"), "--debugcon", "file:" + folder.file("4"), "--screen-text",
                         folder.file("text"), "--screenshot", folder.file("shot.png")}) == 0);
  CHECK(folder.text("1") == "one");
  CHECK(folder.text("2") == "two");
  CHECK(folder.text("3") == "three");
  CHECK(folder.text("4") == "four");
  CHECK(folder.text("text") == "\nC:\\>\xE2\x96\x91\n");

  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  REQUIRE(png_image_begin_read_from_file(&image, folder.file("shot.png").c_str()));
  CHECK(image.width == 2);
  image.format = PNG_FORMAT_RGB;
  u8 pixels[12];
  REQUIRE(png_image_finish_read(&image, nullptr, pixels, 0, nullptr));
  CHECK(std::vector<u8>(pixels, pixels + 6) == std::vector<u8>{0x10, 0x20, 0x30, 0xFF, 0, 0});
}

TEST_CASE("files that cannot be opened are host errors with their name") {
  FakeGuest guest;
  CHECK_THROWS_WITH_AS(run_with(guest, {"--serial", "file:/nonexistent/x"}),
                       doctest::Contains("/nonexistent/x: No such file"), HostError);
  FakeGuest quitter = guest_that([](FakeGuest&) { return stop(StopReason::powered_off); });
  CHECK_THROWS_WITH_AS(run_with(quitter, {"--screenshot", "/nonexistent/x.png"}),
                       doctest::Contains("/nonexistent/x.png"), HostError);
}

TEST_CASE("a Unix socket carries both directions, and its file goes with the run") {
  const Folder folder;
  const std::string path = folder.file("com1");
  std::unique_ptr<Client> client;
  std::string got;
  bool answered = false;
  FakeGuest guest = guest_that([&](FakeGuest& g) -> std::optional<Stop> {
    if (!client) {
      client = std::make_unique<Client>(path);
      REQUIRE(client->connected);
      client->send("hello");
      return std::nullopt;
    }
    if (g.com[0].received == "hello" && !answered) g.com[0].write("hello to you");
    answered |= g.com[0].received == "hello";
    got += client->receive();
    return got.size() > 11 ? std::optional(stop(StopReason::powered_off)) : std::nullopt;
  });
  CHECK(run_with(guest, {"--serial", "unix:" + path, "--timeout", "10"}) == 0);
  CHECK(got == "hello to you");
  CHECK_FALSE(std::filesystem::exists(path));
}

TEST_CASE("a socket nobody reads neither stops the guest nor keeps its output for ever") {
  const Folder folder;
  const std::string path = folder.file("com1");
  std::unique_ptr<Client> client;
  FakeGuest guest = guest_that([&](FakeGuest& g) -> std::optional<Stop> {
    if (!client) client = std::make_unique<Client>(path);
    g.com[0].write(std::string(1 << 20, 'x'));
    return g.slices == 8 ? std::optional(stop(StopReason::powered_off)) : std::nullopt;
  });
  CHECK(run_with(guest, {"--serial", "unix:" + path, "--timeout", "20"}) == 0);
}

TEST_CASE("a stale socket is replaced, a file is not") {
  const Folder folder;
  const std::string path = folder.file("stale");
  {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    const FileDescriptor dead(socket(AF_UNIX, SOCK_STREAM, 0));
    REQUIRE(bind(dead.number(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }
  FakeGuest guest = guest_that([](FakeGuest&) { return stop(StopReason::powered_off); });
  CHECK(run_with(guest, {"--serial", "unix:" + path}) == 0);
  std::ofstream(path) << "precious";
  CHECK_THROWS_AS(run_with(guest, {"--serial", "unix:" + path}), HostError);
  CHECK(folder.text("stale") == "precious");
}

TEST_CASE("a pseudo terminal carries both directions without echo" * doctest::skip(!host_has_pseudo_terminals())) {
  FakePort port;
  PortLine line("COM1", port, open_channel({.kind = ChannelKind::pty}));
  const FileDescriptor other(open(line.place().c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK));
  REQUIRE(other.open());
  port.write("out\n");
  line.pump();
  char buffer[16];
  CHECK(std::string(buffer, static_cast<std::size_t>(std::max<ssize_t>(0, read(other.number(), buffer, 16)))) ==
        "out\n");
  CHECK(write(other.number(), "in\r\x03", 4) == 4);
  line.pump();
  CHECK(port.received == "in\r\x03");
}

TEST_CASE("input waits for room in the guest's port") {
  FakePort port;
  PortLine line("COM1", port, nullptr);
  port.room_left = 0;
  CHECK(line.type("abc"));
  CHECK_FALSE(line.type("def"));
  line.pump();
  CHECK(port.received.empty());
  port.room_left = 3;
  line.pump();
  CHECK(port.received == "abc");
  CHECK(line.type("def"));
}

TEST_CASE("the monitor on a socket serves its commands") {
  const Folder folder;
  const std::string path = folder.file("monitor");
  std::unique_ptr<Client> client;
  std::string got;
  FakeGuest guest = guest_that([&](FakeGuest&) -> std::optional<Stop> {
    if (!client) {
      client = std::make_unique<Client>(path);
      client->send("reset\npowerdown\nsendkey ctrl-alt-delete\nchange fda b.img\neject cd\neject cd\ninfo registers\n" +
                   ("screendump " + folder.file("m.png")) + "\nrset\nchange hda x\ninfo media\n");
    }
    got += client->receive();
    if (got.find("cd: 1.iso") != std::string::npos) client->send("quit\n");
    return std::nullopt;
  });
  CHECK(run_with(guest, {"--monitor", "unix:" + path, "--timeout", "10", "--cdrom", "1.iso", "--cdrom", "2.iso"}) == 0);
  CHECK(guest.resets == 1);
  CHECK(guest.power_presses == 1);
  CHECK(guest.changes == std::vector<std::string>{"floppy0=b.img", "cd2=2.iso", "cd2=1.iso"});
  CHECK(std::filesystem::exists(folder.file("m.png")));
  for (const char* part :
       {"cd: 2.iso (2 of 2)", "eax=00000000", "did you mean 'reset'?", "no removable drive 'hda'", "floppy0: b.img"}) {
    INFO(got);
    CHECK(got.find(part) != std::string::npos);
  }
}

TEST_CASE("signals: SIGUSR1 is a screenshot, SIGTERM an orderly end") {
  const Folder folder;
  FakeGuest guest = guest_that([&](FakeGuest& g) -> std::optional<Stop> {
    if (g.slices == 2) raise(SIGUSR1);
    if (g.slices == 4) {
      CHECK(std::filesystem::exists(folder.file("s.png")));
      raise(SIGTERM);
    }
    return std::nullopt;
  });
  CHECK(run_with(guest, {"--screenshot", folder.file("s.png"), "--timeout", "10"}) == 16);
}

TEST_CASE("gdb finds the guest stopped, and may set, step and leave") {
  const Folder folder;
  const std::string path = folder.file("gdb");
  std::unique_ptr<Client> client;
  std::string got;
  int stage = 0;
  FakeGuest guest = guest_that([&](FakeGuest& g) -> std::optional<Stop> {
    // The guest runs only once gdb lets it, and this program is the client as well.
    if (stage == 1) {
      stage = 2;
      g.debug.hit = DebugTarget::Hit{BreakKind::write, LinearAddr(0x1234)};
      return Stop{StopReason::breakpoint, 0, ""};
    }
    if (stage == 2) return stop(StopReason::powered_off);
    client = std::make_unique<Client>(path);
    REQUIRE(client->connected);
    for (const char* packet : {"qSupported:swbreak+", "?", "m0,4", "Z2,1234,4", "c"}) client->send(gdb_packet(packet));
    stage = 1;
    return std::nullopt;
  });
  CHECK(run_with(guest, {"--gdb", "unix:" + path + ",nowait", "--timeout", "1"}) == 8);
  got += client->receive();
  INFO(got);
  CHECK(got.find("T05watch:1234;thread:1;") != std::string::npos);
}
