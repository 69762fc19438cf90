// A block that the guest has written and flushed is in the image after the emulator was killed at any moment.
// GCC 12 takes the inlined std::string copies below for overlapping ones (its bug 105651).
#ifndef __clang__
#pragma GCC diagnostic ignored "-Wrestrict"
#endif

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "core/machine/machine.h"

namespace penumbra {
namespace {

constexpr u32 kFirstSector = 64;
constexpr u32 kSectors = 64;

// A boot sector that for n = 1, 2, ... fills a sector with n, writes it to 64 + n % 64 by INT 13h AH=43h, issues FLUSH
// CACHE (E7h), waits for BSY to clear, and then sends n, two bytes, to COM1.
constexpr std::array<u8, 89> kProgram = {
    0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xC0, 0x8E, 0xD0, 0xBC, 0x00, 0x7C, 0xFC, 0x31, 0xED,  // segments, stack, bp = 0
    0x45, 0xBF, 0x00, 0x80, 0xB9, 0x00, 0x01, 0x89, 0xE8, 0xF3, 0xAB,                    // inc bp; fill 8000h
    0x89, 0xE8, 0x83, 0xE0, 0x3F, 0x83, 0xC0, 0x40, 0xA3, 0x51, 0x7C,                    // the sector's number
    0xBE, 0x49, 0x7C, 0xB8, 0x00, 0x43, 0xB2, 0x80, 0xCD, 0x13, 0x72, 0x16,              // write it
    0xBA, 0xF7, 0x01, 0xB0, 0xE7, 0xEE, 0xEC, 0xA8, 0x80, 0x75, 0xFB,                    // flush, wait
    0xBA, 0xF8, 0x03, 0x89, 0xE8, 0xEE, 0x86, 0xC4, 0xEE, 0xEB, 0xC8,                    // report, next
    0xF4, 0xEB, 0xFD, 0x10, 0x00, 0x01, 0x00, 0x00, 0x80, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,  // hlt; the packet
    0x00, 0x00, 0x00, 0x00};

std::string make_image() {
  char path[] = "/tmp/penumbra-flush-XXXXXX";
  close(mkstemp(path));
  std::vector<char> image(1 << 20);
  std::copy(kProgram.begin(), kProgram.end(), image.begin());
  image[510] = 0x55;
  image[511] = static_cast<char>(0xAA);
  std::ofstream(path, std::ios::binary).write(image.data(), static_cast<std::streamsize>(image.size()));
  return path;
}

[[noreturn]] void run_guest(const std::string& image, int report) {
  MachineConfig config;
  config.memory_bytes = 8 << 20;
  config.ide[0] = DriveConfig{image, false, false};
  config.boot_order = "c";
  Trace trace;
  Machine machine(config, trace);
  machine.serial(0).send_to([report](u8 byte) {
    if (write(report, &byte, 1) != 1) _exit(1);
  });
  while (!machine.run_for(milliseconds(10))) {
  }
  _exit(1);
}

// Reads reports until `reports` of them have come; the last one.
u16 read_reports(int from, unsigned reports) {
  u16 last = 0;
  for (unsigned n = 0; n < reports; ++n) {
    u8 bytes[2];
    for (u8& byte : bytes)
      if (read(from, &byte, 1) != 1) return last;
    last = static_cast<u16>(bytes[0] | bytes[1] << 8);
  }
  return last;
}

TEST_CASE("kill -9 during guest writes loses no flushed block, twenty times") {
  for (unsigned round = 0; round < 20; ++round) {
    const std::string path = make_image();
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      close(ends[0]);
      run_guest(path, ends[1]);
    }
    close(ends[1]);
    const unsigned wanted = 70 + 37 * round;
    const u16 last = read_reports(ends[0], wanted);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    close(ends[0]);
    REQUIRE(last == wanted);

    std::ifstream image(path, std::ios::binary);
    for (u32 n = last - kSectors + 1; n <= last; ++n) {
      std::array<u16, 256> sector{};
      image.seekg((kFirstSector + n % kSectors) * 512);
      image.read(reinterpret_cast<char*>(sector.data()), sizeof sector);
      // A later write of the same sector may have come before the kill.
      CHECK_MESSAGE((sector[0] == n || sector[0] > last), "round ", round, " block ", n, " holds ", sector[0]);
    }
    unlink(path.c_str());
  }
}

}  // namespace
}  // namespace penumbra
