// Layout only; who may do it, and from where, is for the instructions to say.
#include "core/cpu/fx_image.h"

#include "core/base/bits.h"

namespace penumbra {

void store_fx_x87(const X87State& x, u8* image) {
  store<u16>(image, x.control);
  store<u16>(image + 2, x.status_word());
  image[4] = x.valid;
  image[5] = 0;
  store<u16>(image + 6, x.opcode);
  store<u32>(image + 8, x.instruction_pointer);
  store<u16>(image + 12, x.instruction_selector);
  store<u16>(image + 14, u16{0});
  store<u32>(image + 16, x.operand_pointer);
  store<u16>(image + 20, x.operand_selector);
  store<u16>(image + 22, u16{0});
  for (unsigned n = 0; n < 8; ++n) {
    const Float80& value = x.registers[(x.top + n) & 7];
    u8* at = image + 32 + 16 * n;
    store<u64>(at, value.significand);
    store<u16>(at + 8, value.sign_exponent);
    std::memset(at + 10, 0, 6);
  }
}

void load_fx_x87(X87State& x, const u8* image) {
  x.control = static_cast<u16>((load<u16>(image) & 0x1F3F) | 0x40);
  x.load_status_word(load<u16>(image + 2));
  x.valid = image[4];
  x.opcode = load<u16>(image + 6) & 0x7FF;
  x.instruction_pointer = load<u32>(image + 8);
  x.instruction_selector = load<u16>(image + 12);
  x.operand_pointer = load<u32>(image + 16);
  x.operand_selector = load<u16>(image + 20);
  for (unsigned n = 0; n < 8; ++n) {
    const u8* at = image + 32 + 16 * n;
    x.registers[(x.top + n) & 7] = {load<u64>(at), load<u16>(at + 8)};
  }
}

}  // namespace penumbra
