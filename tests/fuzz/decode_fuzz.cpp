// Fuzzes the decoder: any bytes, in both code sizes and on all processor models.
#include <cstdlib>

#include "core/cpu/decode.h"

namespace penumbra {
namespace {

void decode(std::span<const u8> bytes, bool code32, const CpuModel& model) {
  const Decoder decoder(code32, model);
  while (!bytes.empty()) {
    // In memory of their own, so that reading past the end is noticed.
    const std::vector<u8> given(bytes.begin(),
                                bytes.begin() + static_cast<std::ptrdiff_t>(std::min<std::size_t>(bytes.size(), 20)));
    Insn insn;
    const DecodeResult result = decoder.decode(given, insn);
    if (result == DecodeResult::more_bytes) {
      if (given.size() >= 15) std::abort();
      return;
    }
    if (insn.length == 0 || insn.length > 15 || insn.length > given.size() || !insn.handler) std::abort();
    if (insn.base > 32 || insn.index > 32 || insn.scale > 3 || insn.segment > GS) std::abort();
    bytes = bytes.subspan(insn.length);
  }
}

}  // namespace
}  // namespace penumbra

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  for (const char* model : {"486", "pentium", "p2", "p3", "p4"})
    for (const bool code32 : {false, true}) penumbra::decode({data, size}, code32, *penumbra::cpu_model_named(model));
  return 0;
}
