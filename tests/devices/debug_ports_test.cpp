// The ports that exist for people and scripts: debug console, debug exit, POST codes.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "devices/debug_console.h"
#include "devices/debug_exit.h"
#include "devices/post_ports.h"

namespace penumbra {
namespace {

TEST_CASE("debug console: bytes go out, reads answer E9h, and no listener is no harm") {
  Trace trace;
  PortBus ports(trace);
  DebugConsole console(ports);
  ports.out(0xE9, Width::byte, 'x');
  std::string got;
  console.send_to([&](u8 c) { got += static_cast<char>(c); });
  for (const char c : std::string("hello")) ports.out(0xE9, Width::byte, static_cast<u8>(c));
  CHECK(got == "hello");
  CHECK(ports.in(0xE9, Width::byte) == 0xE9);
  CHECK(console.room() == 0);
}

TEST_CASE("debug exit: each width arrives whole and at once") {
  Trace trace;
  PortBus ports(trace);
  std::vector<u32> values;
  DebugExit exit(ports, 0x501, [&](u32 value) { values.push_back(value); });
  ports.out(0x501, Width::byte, 0x31);
  CHECK(values.size() == 1);
  ports.out(0x501, Width::word, 0xABCD);
  ports.out(0x501, Width::dword, 0x12345678);
  CHECK(values == std::vector<u32>{0x31, 0xABCD, 0x12345678});
}

TEST_CASE("debug exit: the last port of all is allowed") {
  Trace trace;
  PortBus ports(trace);
  std::vector<u32> values;
  DebugExit exit(ports, 0xFFFF, [&](u32 value) { values.push_back(value); });
  ports.out(0xFFFF, Width::byte, 7);
  CHECK(values == std::vector<u32>{7});
}

TEST_CASE("POST codes: port 190h and what the board routes here; the last one reads back and is state") {
  Trace trace;
  PortBus ports(trace);
  std::vector<u32> codes;
  PostPorts post(ports, trace, [&](u16 port, u8 code) { codes.push_back(u32{port} << 8 | code); });
  ports.out(0x190, Width::byte, 0x12);
  post.post(0x80, 0x34);
  CHECK(codes == std::vector<u32>{0x19012, 0x8034});
  CHECK(ports.in(0x190, Width::byte) == 0x34);
  StateWriter saved;
  post.visit(saved);
  post.reset(Reset::hard);
  CHECK(post.last() == 0);
  StateReader reader(saved.bytes());
  post.visit(reader);
  CHECK(post.last() == 0x34);
}

}  // namespace
}  // namespace penumbra
