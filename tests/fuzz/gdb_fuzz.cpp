// Fuzzes the gdb stub: any bytes from the other end, at any moment of the guest's life.
#include <cstddef>
#include <cstdint>

#include "frontend/gdb_stub.h"
#include "tests/support/fake_guest.h"

namespace penumbra {
namespace {

class Pipe final : public HostChannel {
 public:
  std::size_t read(std::span<u8> to) override {
    const std::size_t count = std::min(to.size(), input.size());
    std::copy_n(input.begin(), count, to.begin());
    input.erase(0, count);
    return count;
  }
  std::size_t write(std::span<const u8> from) override { return from.size(); }
  bool nobody_listens() const override { return gone; }
  void interests(std::vector<Interest>&, bool, bool) const override {}
  std::string input;
  bool gone = false;
};

void fuzz(std::span<const u8> bytes) {
  test::FakeDebugTarget target;
  auto channel = std::make_unique<Pipe>();
  Pipe& pipe = *channel;
  GdbStub stub(
      std::move(channel), target,
      {.reset = [] {}, .kill = [] {}, .gone = [] {}, .monitor = [](std::string_view t) { return std::string(t); }},
      true);
  // 00h separates what comes in one piece; packets are framed here, so that the fuzzer need not find checksums.
  std::string piece;
  for (const u8 byte : bytes) {
    if (byte != 0) {
      piece += static_cast<char>(byte);
      continue;
    }
    if (piece == "gone") {
      pipe.gone = !pipe.gone;
    } else if (piece == "stop") {
      stub.stopped({StopReason::breakpoint, 0, ""});
    } else {
      pipe.input += piece.starts_with("raw") ? piece.substr(3) : gdb_packet(piece);
    }
    piece.clear();
    stub.pump();
  }
  stub.ended(0);
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  penumbra::fuzz({data, size});
  return 0;
}
