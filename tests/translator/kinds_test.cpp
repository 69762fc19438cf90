// Each kind of instructions sent back to the interpreter: the same results, and nothing of that kind emitted.
#include <doctest/doctest.h>

#include "tests/support/translated_cpu.h"

namespace penumbra {
namespace {

using namespace guest_layout;

// Something of every kind that is translated, several times over.
GuestCode everything() {
  GuestCode code;
  code.mov(EBX, kData).mov(ECX, 9);
  const u32 loop = code.size();
  code({0x8B, 0x03, 0x0F, 0xB6, 0x53, 0x05, 0x89, 0x53, 0x10});  // mov eax, [ebx]; movzx edx, [ebx+5]; mov
  code({0x01, 0xD0, 0x83, 0xD0, 0x03, 0x29, 0x43, 0x14, 0x42});  // add; adc; sub [ebx+14h], eax; inc edx
  code({0x31, 0xD0, 0x25}).dword(0x00FF'FFFE)({0x85, 0xC2});     // xor; and; test
  code({0xC1, 0xC0, 0x05, 0xD1, 0xEA, 0x0F, 0xA4, 0xC2, 0x03});  // rol; shr; shld
  code({0x0F, 0xBD, 0xF0, 0x0F, 0xC8});                          // bsr esi, eax; bswap eax
  code({0x0F, 0xAF, 0xC2, 0xF7, 0xE2});                          // imul; mul
  code({0x50, 0x6A, 0x07, 0x5E, 0x5A});                          // push eax; push 7; pop esi; pop edx
  code({0x39, 0xD0, 0xF9, 0xF5, 0x9F, 0x9E, 0xFC});              // cmp; stc; cmc; lahf; sahf; cld
  code({0x51, 0x89, 0xDE}).mov(EDI, kData + 0x100).mov(ECX, 8)({0xF3, 0xA5, 0x59});  // rep movsd
  code({0xD9, 0xE8, 0xDA, 0x03, 0xD9, 0x5B, 0x20, 0xD9, 0x7B, 0x24});                // fld1; fiadd; fstp; fnstcw
  code({0x0F, 0x6F, 0x43, 0x00, 0x0F, 0xFC, 0x43, 0x08, 0x0F, 0x71, 0xF0, 0x02, 0x0F, 0x60, 0xC0});  // paddb; psllw
  code({0x0F, 0x7F, 0x43, 0x28, 0x0F, 0x77});                                                  // punpcklbw; movq; emms
  code({0x0F, 0x10, 0x03, 0xF3, 0x0F, 0x2A, 0xC9, 0x0F, 0x58, 0xC9, 0x0F, 0x11, 0x4B, 0x30});  // movups; cvtsi2ss
  code({0x0F, 0xAE, 0xF0, 0x0F, 0xC6, 0xC0, 0x1B, 0x0F, 0x11, 0x43, 0x50});  // addps; mfence; shufps; movups
  code({0x49, 0x0F, 0x85}).dword(loop - (code.size() + 4));                  // dec ecx; jnz
  code({0x8C, 0xD8});                                                        // mov eax, ds
  return code.hlt();
}

void fill(TranslatedCpu& rig) {
  for (u32 n = 0; n < 0x200; n += 4) rig.store(kData + n, 0x0102'0304 * (n + 1));
  rig.set(ESP, kKernelStack - 0x400);
}

u32 emitted_themes(const TranslatedCpu& rig) {
  u32 emitted = 0;
  for (std::size_t n = 0; n < themes().size(); ++n)
    if (rig.translated.translator->emitted()[n]) emitted |= 1u << n;
  return emitted;
}

TEST_CASE("each kind left to the interpreter: the same results, and none of it emitted") {
  TranslatedCpu plain("p4", {.code_bytes = 8u << 20, .promote_after = 0});
  fill(plain);
  CHECK(plain.run_code(everything()) == "");
  const u32 all = emitted_themes(plain);
  // So that a kind which begins to be emitted gets its place in `everything`.
  u32 emittable = 0;
  for (std::size_t n = 0; n < themes().size(); ++n)
    for (const Row& row : themes()[n].rows)
      if (row.emission != Emission::helper) emittable |= 1u << n;
  // transition_test.cpp has those.
  emittable &= ~(themes_named("segment") | themes_named("system") | themes_named("far"));
  CHECK(all == emittable);

  for (std::size_t n = 0; n < themes().size(); ++n) {
    CAPTURE(themes()[n].name);
    TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .promote_after = 0, .interpreted_themes = 1u << n});
    fill(rig);
    CHECK(rig.run_code(everything()) == "");
    CHECK(emitted_themes(rig) == (all & ~(1u << n)));
  }
  TranslatedCpu none("p4", {.code_bytes = 8u << 20, .promote_after = 0, .interpreted_themes = themes_named("all")});
  fill(none);
  CHECK(none.run_code(everything()) == "");
  CHECK(emitted_themes(none) == 0);
}

TEST_CASE("names of kinds") {
  const auto bit = [](std::string_view name) {
    for (u32 n = 0; const Theme& theme : themes()) {
      if (theme.name == name) return u32{1} << n;
      ++n;
    }
    return u32{0};
  };
  CHECK(themes().size() <= 32);
  CHECK(themes_named("all") == (u64{1} << themes().size()) - 1);
  CHECK(themes_named("stack") == bit("stack"));
  CHECK(themes_named("x87") == (bit("x87") | bit("x87-control")));
  CHECK(themes_named("sse") == (bit("sse-move") | bit("sse-arithmetic") | bit("sse-convert") | bit("sse-control")));
  CHECK(themes_named("ss") == 0);
  CHECK(themes_named("") == 0);
}

// MOVSD is one mnemonic for a string and an SSE2 instruction.
TEST_CASE("the string MOVSD is no SSE instruction") {
  for (const char* left : {"string", "sse"}) {
    CAPTURE(left);
    TranslatedCpu rig("p4", {.code_bytes = 8u << 20, .promote_after = 0, .interpreted_themes = themes_named(left)});
    fill(rig);
    CHECK(rig.run_code(GuestCode().mov(ESI, kData).mov(EDI, kData + 0x80)({0xA5}).hlt()) == "");
    const bool emitted = emitted_themes(rig) & themes_named("string");
    CHECK(emitted == (left == std::string_view("sse")));
    CHECK((emitted_themes(rig) & themes_named("sse")) == 0);
  }
}

}  // namespace
}  // namespace penumbra
