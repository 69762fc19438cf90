// Listings of emitted code for the cases that matter, compared with golden.txt: a change to emission is a diff to be
// read. PENUMBRA_WRITE_GOLDEN=1 in the environment writes the file anew (scripts/write-golden.sh).
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

struct Case {
  const char* title;
  GuestCode code;
};

GuestCode forward_branch() {
  GuestCode code{0x85, 0xC0, 0x74, 0x01, 0x43};
  return code.hlt();
}

std::vector<Case> cases() {
  return {
      {"registers: add eax, ebx; inc ecx; mov esp, eax; mov ah, bl; hlt is the interpreter's",
       {0x01, 0xD8, 0x41, 0x89, 0xC4, 0x88, 0xDC, 0xF4}},
      {"memory operands: [ebx + 8], [esp + 4], absolute, byte with a high register",
       {0x8B, 0x43, 0x08, 0x01, 0x44, 0x24, 0x04, 0xA1, 0x00, 0x00, 0x03, 0x00, 0x88, 0x63, 0x01, 0xF4}},
      {"stack: push eax, push 7, push [ebx], pop ecx, pop [ebx + 4], leave",
       {0x50, 0x6A, 0x07, 0xFF, 0x33, 0x59, 0x8F, 0x43, 0x04, 0xC9, 0xF4}},
      {"a forward branch in the page", forward_branch()},
      {"a short loop, four times over: dec ecx; jnz", {0x49, 0x75, 0xFD, 0xF4}},
      {"a loop that begins inside of the block: poll and link", {0x90, 0x49, 0x75, 0xFD, 0xF4}},
      {"a call in the page and a jump to another", GuestCode{0x85, 0xC0}.call(kCode, kCode + 0x800).jump(kCode, kData)},
      {"indirect: call eax, jmp [ebx]", {0xFF, 0xD0, 0xFF, 0x23}},
      {"ret 8", {0xC2, 0x08, 0x00}},
      {"strings: rep movsd, lodsb, repne scasb", {0xF3, 0xA5, 0xAC, 0xF2, 0xAE, 0xF4}},
      {"x87: fld [ebx], faddp, fstp [ebx]", {0xD9, 0x03, 0xDE, 0xC1, 0xD9, 0x1B, 0xF4}},
      {"SSE: movups xmm0, [ebx]; addps xmm0, xmm1", {0x0F, 0x10, 0x03, 0x0F, 0x58, 0xC1, 0xF4}},
      {"lock cmpxchg [ebx], ecx", {0xF0, 0x0F, 0xB1, 0x0B, 0xF4}},
      {"jecxz and loop", {0xE3, 0x01, 0x43, 0xE2, 0xFD, 0xF4}},
  };
}

// Without the host's bytes: they hold distances to thunks and fields of the Context, whose places matter to nobody.
std::string without_bytes(std::string line) {
  const std::size_t offset = line.find(" | ");
  if (offset == std::string::npos) return line;
  const std::size_t bytes = line.find(' ', offset + 3), end = line.find(' ', bytes + 1);
  if (end == std::string::npos) return line;
  return line.erase(bytes, line.find_first_not_of(' ', end) - 1 - bytes);
}

// The block at kCode, as soon as it is made.
std::string listing_of(const Case& c) {
  TestMachine machine("p4", true, {.code_bytes = 8u << 20, .promote_after = 0, .listed = {kCode}});
  std::string text;
  machine.trace.send_to(
      [&](std::string_view line) { text += without_bytes(std::string(line.substr(line.find(' ') + 1))); });
  machine.trace.enable(Channel::translation);
  TranslatedCpu::start(machine);
  machine.memory.write(PhysAddr(kCode), c.code.bytes());
  machine.cpu.cr0 &= ~cr0::PG;
  machine.cpu.eip = kCode;
  machine.cpu.gpr[EBX] = kData;
  machine.cpu.gpr[ESI] = machine.cpu.gpr[EDI] = kData;
  machine.cpu.gpr[ECX] = 3;
  machine.cpu.gpr[EAX] = kCode;
  machine.cpu.state_changed();
  machine.run(1);
  return fmt::format("{}\n\n{}\n", c.title, text);
}

TEST_CASE("golden listings") {
  const std::string path = std::string(PENUMBRA_SOURCE_DIR) + "/tests/translator/golden.txt";
  std::string listed;
  for (const Case& c : cases()) {
    const std::string text = listing_of(c);
    CAPTURE(c.title);
    CHECK(text.find("\n\nblock 00020000") != std::string::npos);
    listed += text;
  }
  if (std::getenv("PENUMBRA_WRITE_GOLDEN")) {
    std::ofstream(path, std::ios::binary) << listed;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  const auto [at, there] = std::mismatch(golden.begin(), golden.end(), listed.begin(), listed.end());
  const auto place = static_cast<std::size_t>(at - golden.begin());
  const std::size_t line = golden.rfind('\n', place ? place - 1 : 0) + 1;
  CHECK_MESSAGE(golden == listed, "emission differs from golden.txt; the first difference is in\n  ",
                golden.substr(line, golden.find('\n', line) - line), "\nnow\n  ",
                listed.substr(line, listed.find('\n', line) - line),
                "\nIf that was meant, scripts/write-golden.sh writes the file anew; read its diff.");
}

}  // namespace
}  // namespace penumbra
