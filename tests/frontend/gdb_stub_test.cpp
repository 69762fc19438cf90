// The gdb stub's packets and answers.
#include "frontend/gdb_stub.h"

#include <doctest/doctest.h>

#include <cstring>

#include "frontend/gdb_registers.h"
#include "tests/support/fake_guest.h"

using namespace penumbra;
using namespace penumbra::test;

namespace {

// gdb's end of the line.
struct Pipe final : HostChannel {
  std::size_t read(std::span<u8> to) override {
    const std::size_t count = std::min(to.size(), input.size());
    std::copy_n(input.begin(), count, to.begin());
    input.erase(0, count);
    return count;
  }
  std::size_t write(std::span<const u8> from) override {
    output.append(from.begin(), from.end());
    return from.size();
  }
  bool nobody_listens() const override { return gone; }
  void interests(std::vector<Interest>&, bool, bool) const override {}
  std::string input, output;
  bool gone = false;
};

struct Fixture {
  FakeDebugTarget target;
  Pipe* pipe = new Pipe;
  int resets = 0, kills = 0, left = 0;
  GdbStub stub{std::unique_ptr<HostChannel>(pipe), target,
               GdbStub::Actions{.reset = [this] { ++resets; },
                                .kill = [this] { ++kills; },
                                .gone = [this] { ++left; },
                                .monitor = [](std::string_view text) { return "did " + std::string(text) + "\n"; }},
               true};

  // The answer's data; acknowledgements are checked and removed.
  std::string ask(std::string_view packet) {
    pipe->output.clear();
    pipe->input = gdb_packet(packet);
    stub.pump();
    return payload();
  }
  std::string payload() {
    std::string text = pipe->output;
    if (text.starts_with("+")) text.erase(0, 1);
    GdbReader reader;
    for (const char c : text)
      if (const auto event = reader.add(static_cast<u8>(c))) {
        CHECK(event->kind == GdbEvent::Kind::packet);
        return event->data;
      }
    return "(none)";
  }
};

}  // namespace

TEST_CASE("packets survive framing and escapes, and damage is noticed") {
  const std::string data("a#b$c}d*e\0f", 11);
  GdbReader reader;
  std::optional<GdbEvent> event;
  for (const char c : "+++" + gdb_packet(data)) event = reader.add(static_cast<u8>(c));
  REQUIRE(event);
  CHECK(event->data == data);
  for (const char c : std::string("$m0,4#00")) event = reader.add(static_cast<u8>(c));
  CHECK(event->kind == GdbEvent::Kind::damaged);
  for (const char c : std::string("$m0,4#zz")) event = reader.add(static_cast<u8>(c));
  CHECK(event->kind == GdbEvent::Kind::damaged);
  CHECK(reader.add(0x03)->kind == GdbEvent::Kind::interrupt);
  for (std::size_t i = 0; i < 100'000; ++i) event = reader.add(i == 0 ? '$' : 'x');
  for (const char c : std::string("#00")) event = reader.add(static_cast<u8>(c));
  CHECK(event->kind == GdbEvent::Kind::damaged);
  CHECK(gdb_packet("OK") == "$OK#9a");
}

TEST_CASE("registers are read and written in gdb's layout") {
  Fixture f;
  f.target.values.general = {1, 2, 3, 4, 5, 6, 7, 8};
  f.target.values.eip = 0x7C00;
  f.target.values.segments[0] = 0xF000;
  f.target.values.st[0][9] = 0x3F;
  f.target.values.mxcsr = 0x1F80;
  const std::string all = f.ask("g");
  CHECK(all.size() == 2 * (16 * 4 + 8 * 10 + 8 * 4 + 8 * 16 + 4));
  CHECK(all.substr(0, 16) == "0100000002000000");
  CHECK(f.ask("p8") == "007c0000");
  CHECK(f.ask("pa") == "00f00000");
  CHECK(f.ask("p10").substr(18) == "3f");
  CHECK(f.ask("p28") == "801f0000");
  CHECK(f.ask("p29") == "E01");
  CHECK(f.ask("P0=78563412") == "OK");
  CHECK(f.target.values.general[0] == 0x12345678);
  CHECK(f.ask("P0=1234") == "E01");
  CHECK(f.ask("G" + all) == "OK");
  CHECK(f.target.values.general[0] == 1);
  CHECK(f.ask("Gzz") == "E01");
}

TEST_CASE("every register of the description has its number and size") {
  const std::string xml = gdb_target_xml();
  unsigned number = 0;
  for (std::size_t at = xml.find("<reg "); at != std::string::npos; at = xml.find("<reg ", at + 1), ++number) {
    const std::size_t size = xml.find("bitsize=\"", at) + 9;
    CAPTURE(number);
    CHECK(static_cast<std::size_t>(std::stoi(xml.substr(size))) == 8 * gdb_register_size(number));
  }
  CHECK(number == kGdbRegisterCount);
  Fixture f;
  std::string read;
  for (std::string part = "m"; part[0] == 'm';) {
    part = f.ask("qXfer:features:read:target.xml:" + fmt::format("{:x},100", read.size()));
    read += part.substr(1);
  }
  CHECK(read == xml);
  CHECK(f.ask("qXfer:features:read:other.xml:0,100") == "E00");
}

TEST_CASE("memory is read and written, up to where it ends") {
  Fixture f;
  CHECK(f.ask("M1000,3:010203") == "OK");
  CHECK(f.ask("m1000,4") == "01020300");
  CHECK(f.ask(std::string_view("X2000,2:\x7d\x01", 10)) == "OK");
  CHECK(f.target.memory[0x2000] == 0x7D);
  CHECK(f.ask("X2000,0:") == "OK");
  CHECK(f.ask("mfffe,4") == "0000");
  CHECK(f.ask("m10000,4") == "E14");
  CHECK(f.ask("M10000,1:00") == "E14");
  CHECK(f.ask("m,4") == "E01");
  CHECK(f.ask("M0,2:00") == "E01");
  CHECK(f.ask("mffffffff00001000,1") == "01");
  CHECK(f.ask("m0,ffffffffffffffff").size() < GdbReader::kLargest);
}

TEST_CASE("breakpoints and watchpoints come and go") {
  Fixture f;
  CHECK(f.ask("Z0,100,1") == "OK");
  CHECK(f.ask("Z1,100,1") == "OK");
  CHECK(f.target.breakpoints.size() == 1);
  CHECK(f.ask("z0,100,1") == "OK");
  CHECK(f.target.breakpoints.size() == 1);
  CHECK(f.ask("z1,100,1") == "OK");
  CHECK(f.target.breakpoints.empty());
  CHECK(f.ask("Z2,200,4") == "OK");
  CHECK(f.ask("Z3,204,4") == "OK");
  CHECK(f.ask("Z4,208,4") == "OK");
  CHECK(f.target.breakpoints[2].first == BreakKind::access);
  CHECK(f.ask("Z0,300,1") == "OK");
  CHECK(f.ask("Z0,400,1") == "E28");
  CHECK(f.ask("Z7,0,1").empty());
}

TEST_CASE("the guest runs when told to, and stops are reported") {
  Fixture f;
  CHECK(f.stub.halted());
  CHECK(f.ask("?") == "T05thread:1;");
  CHECK(f.ask("c") == "(none)");
  CHECK_FALSE(f.stub.halted());
  f.pipe->output.clear();
  f.pipe->input = "\x03";
  f.stub.pump();
  CHECK(f.payload() == "T02thread:1;");
  CHECK(f.stub.halted());

  CHECK(f.ask("vCont;s:1;c") == "(none)");
  CHECK(f.target.stepping);
  f.pipe->output.clear();
  f.stub.stopped({StopReason::breakpoint, 0, ""});
  CHECK(f.payload() == "T05thread:1;");

  f.ask("Z0,100,1");
  f.ask("qSupported:multiprocess+;swbreak+;hwbreak+");
  f.ask("c");
  f.target.hit = DebugTarget::Hit{BreakKind::execute, LinearAddr(0x100)};
  f.pipe->output.clear();
  f.stub.stopped({StopReason::breakpoint, 0, ""});
  CHECK(f.payload() == "T05swbreak:;thread:1;");
  f.ask("s200");
  CHECK(f.target.values.eip == 0x200);
  f.pipe->output.clear();
  f.stub.ended(0x21);
  CHECK(f.payload() == "W21");
}

TEST_CASE("queries, monitor commands, acknowledgements") {
  Fixture f;
  CHECK(f.ask("qSupported").find("qXfer:features:read+") != std::string::npos);
  CHECK(f.ask("qRcmd," + to_hex(std::string_view("reset"))) == to_hex(std::string_view("did reset\n")));
  CHECK(f.ask("qRcmd,zz") == "E01");
  CHECK(f.ask("vMustReplyEmpty").empty());
  CHECK(f.ask("qWhatever").empty());
  CHECK(f.ask("").empty());
  CHECK(f.pipe->output.starts_with("+"));
  f.ask("QStartNoAckMode");
  f.ask("qC");
  CHECK(f.pipe->output == gdb_packet("QC1"));
}

TEST_CASE("a gdb that leaves takes its breakpoints along, and the guest goes on") {
  Fixture f;
  f.ask("Z0,100,1");
  CHECK(f.ask("D") == "OK");
  CHECK(f.left == 1);
  CHECK_FALSE(f.stub.halted());
  CHECK(f.target.breakpoints.empty());

  Fixture g;
  g.ask("Z0,100,1");
  g.pipe->gone = true;
  g.stub.pump();
  CHECK(g.target.breakpoints.empty());
  CHECK_FALSE(g.stub.halted());

  Fixture h;
  h.ask("k");
  CHECK(h.kills == 1);
}
