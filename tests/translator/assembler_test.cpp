// The assembler against an independent decoder: each form says what was asked for.
#include "translator/assembler.h"

#include <Zydis/Zydis.h>
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <string>

#include "translator/context.h"

namespace penumbra {
namespace {

struct Decoded {
  ZydisDecodedInstruction z;
  std::array<ZydisDecodedOperand, ZYDIS_MAX_OPERAND_COUNT> operands;
};

Decoded decode(const u8* bytes, u64 count) {
  ZydisDecoder decoder;
  ZydisDecoderInit(&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  Decoded d{};
  REQUIRE(ZYAN_SUCCESS(ZydisDecoderDecodeFull(&decoder, bytes, count, &d.z, d.operands.data())));
  return d;
}

ZydisRegister register32(unsigned n) { return static_cast<ZydisRegister>(ZYDIS_REGISTER_EAX + n); }
ZydisRegister register64(unsigned n) { return static_cast<ZydisRegister>(ZYDIS_REGISTER_RAX + n); }

template <class Emit>
Decoded emitted(Emit emit) {
  u8 bytes[64];
  Assembler a(bytes, sizeof bytes);
  emit(a);
  const Decoded d = decode(bytes, a.size());
  CHECK(d.z.length == a.size());
  return d;
}

void check_address(const Decoded& d, const ZydisDecodedOperand& op, const HostAddress& wanted) {
  const bool narrow = wanted.window;
  const auto name = [&](u8 n) {
    return n == HostAddress::kNone ? ZYDIS_REGISTER_NONE : narrow ? register32(n) : register64(n);
  };
  REQUIRE(op.type == ZYDIS_OPERAND_TYPE_MEMORY);
  CHECK(d.z.address_width == (narrow ? 32 : 64));
  if (narrow) CHECK(op.mem.segment == ZYDIS_REGISTER_GS);
  CHECK(op.mem.base == name(wanted.base));
  CHECK(op.mem.index == name(wanted.index));
  if (wanted.index != HostAddress::kNone) CHECK(op.mem.scale == 1u << wanted.scale);
  CHECK(static_cast<u32>(op.mem.disp.value) == wanted.displacement);
}

TEST_CASE("every base, index, scale and size of displacement") {
  unsigned forms = 0;
  for (unsigned base = 0; base <= 16; ++base)
    for (unsigned index = 0; index <= 16; ++index) {
      if (index == RSP) continue;  // not encodable; the guest's ESP is elsewhere
      for (const u8 scale : {0, 1, 2, 3})
        for (const u32 displacement : {0u, 1u, 0x7Fu, 0x80u, 0xFFFF'FF80u, 0xFFFF'FF7Fu, 0x8000'0000u, 0x7FFF'FFFFu})
          for (const bool window : {true, false}) {
            HostAddress address{.displacement = displacement, .window = window};
            if (base < 16) address.base = static_cast<u8>(base);
            if (index < 16) address.index = static_cast<u8>(index), address.scale = scale;
            const Host to = static_cast<Host>((base + index) & 15);
            const Decoded d = emitted([&](Assembler& a) { a.load(to, address); });
            CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_MOV);
            CHECK(d.operands[0].reg.value == register32(to));
            check_address(d, d.operands[1], address);
            ++forms;
          }
    }
  CHECK(forms == 17 * 16 * 4 * 8 * 2);
}

TEST_CASE("no address is relative to RIP") {
  for (const bool window : {true, false}) {
    const Decoded d = emitted([&](Assembler& a) { a.load(RAX, {.displacement = 0x9000'0000, .window = window}); });
    CHECK((d.z.attributes & ZYDIS_ATTRIB_IS_RELATIVE) == 0);
    CHECK(d.operands[1].mem.base == ZYDIS_REGISTER_NONE);
  }
}

TEST_CASE("glue says what it should") {
  for (unsigned n = 0; n < 16; ++n) {
    const Host r = static_cast<Host>(n), other = static_cast<Host>((n + 5) & 15);
    Decoded d = emitted([&](Assembler& a) { a.move(r, other); });
    CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_MOV);
    CHECK(d.operands[0].reg.value == register32(r));
    CHECK(d.operands[1].reg.value == register32(other));
    d = emitted([&](Assembler& a) { a.move(r, 0x89AB'CDEF); });
    CHECK(d.operands[0].reg.value == register32(r));
    CHECK(static_cast<u32>(d.operands[1].imm.value.u) == 0x89AB'CDEF);
    d = emitted([&](Assembler& a) { a.zero_extend_word(r, other); });
    CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_MOVZX);
    CHECK(d.operands[0].reg.value == register32(r));
    CHECK(d.operands[1].reg.value == static_cast<ZydisRegister>(ZYDIS_REGISTER_AX + unsigned{other}));
    d = emitted([&](Assembler& a) { a.store({.base = kContext, .displacement = 4}, r); });
    CHECK(d.operands[0].mem.base == ZYDIS_REGISTER_R13);
    CHECK(d.operands[1].reg.value == register32(r));
    d = emitted([&](Assembler& a) { a.address(r, {.base = R12, .displacement = 0xFFFF'FFFC, .window = true}); });
    CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_LEA);
    CHECK(d.operands[0].reg.value == register32(r));
    CHECK(d.operands[1].mem.disp.value == -4);
    d = emitted([&](Assembler& a) { a.load_wide(r, {.base = kContext}); });
    CHECK(d.operands[0].reg.value == register64(r));
  }
  const Decoded d = emitted([&](Assembler& a) { a.store({.base = kContext, .displacement = 0x84}, 0xCAFE'F00D); });
  CHECK(static_cast<u32>(d.operands[1].imm.value.u) == 0xCAFE'F00D);
  CHECK(d.operands[0].mem.disp.value == 0x84);
}

TEST_CASE("prefixes stand before REX, and REX before the opcode") {
  constexpr u8 kMovd[] = {0x0F, 0x6E};
  Decoded d = emitted([&](Assembler& a) { a.with_register({.prefixes = {0x66}, .opcode = kMovd}, 3, R12); });
  CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_MOVD);
  CHECK(d.operands[0].reg.value == ZYDIS_REGISTER_XMM3);
  CHECK(d.operands[1].reg.value == ZYDIS_REGISTER_R12D);
  constexpr u8 kCmpxchg[] = {0x0F, 0xB1};
  d = emitted([&](Assembler& a) {
    a.with_memory({.prefixes = {0xF0, 0x66}, .opcode = kCmpxchg}, R12, {.base = RSI, .index = R12, .window = true});
  });
  CHECK(d.z.mnemonic == ZYDIS_MNEMONIC_CMPXCHG);
  CHECK((d.z.attributes & ZYDIS_ATTRIB_HAS_LOCK) != 0);
  CHECK(d.operands[1].reg.value == ZYDIS_REGISTER_R12W);
  check_address(d, d.operands[0], {.base = RSI, .index = R12, .window = true});
}

TEST_CASE("jumps go where they are bound") {
  u8 bytes[128] = {};
  Assembler a(bytes, sizeof bytes);
  const auto target = [&](u64 at) {
    const Decoded d = decode(bytes + at, sizeof bytes - at);
    u64 where = 0;
    REQUIRE(ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&d.z, &d.operands[0], at, &where)));
    return where;
  };
  const u64 forward = a.jump();
  const u64 condition_at = a.size();
  const u64 condition = a.jump_if(5);
  const u64 zero_at = a.size();
  const u64 zero = a.jump_if_ecx_zero();
  a.move(RAX, RBX);
  a.bind(forward);
  const u64 first = a.size();
  a.move(RAX, RBX);
  a.bind(condition);
  a.bind_short(zero);
  const u64 second = a.size();
  const u64 back_at = a.size();
  a.bind(a.jump(), 0);
  const u64 out_at = a.size();
  a.jump_to(-1000);
  CHECK(target(0) == first);
  CHECK(target(condition_at) == second);
  CHECK(decode(bytes + condition_at, 16).z.mnemonic == ZYDIS_MNEMONIC_JNZ);
  CHECK(target(zero_at) == second);
  CHECK(decode(bytes + zero_at, 16).z.mnemonic == ZYDIS_MNEMONIC_JECXZ);
  CHECK(target(back_at) == 0);
  CHECK(static_cast<i64>(target(out_at)) == -1000);
  const u64 lea_at = a.size();
  a.code_address(R8, first);
  const Decoded d = decode(bytes + lea_at, 16);
  u64 where = 0;
  REQUIRE(ZYAN_SUCCESS(ZydisCalcAbsoluteAddress(&d.z, &d.operands[1], lea_at, &where)));
  CHECK(where == first);
}

TEST_CASE("nothing is written beyond the room") {
  u8 bytes[16];
  std::fill(std::begin(bytes), std::end(bytes), 0xEE);
  Assembler a(bytes, 7);
  a.move(RAX, 0x1111'1111);
  CHECK_FALSE(a.overflow());
  const u64 place = a.jump();
  CHECK(a.overflow());
  CHECK(a.size() == 7);
  a.bind(place);
  for (unsigned n = 7; n < sizeof bytes; ++n) CHECK(bytes[n] == 0xEE);
}

TEST_CASE("a field of the context is addressed by R13 and its offset") {
  static const Context context{};
  const auto offset = [&](const void* field) {
    return static_cast<u32>(static_cast<const u8*>(field) - reinterpret_cast<const u8*>(&context));
  };
  const HostAddress eip = context_field(&Context::eip), lookup = context_field(&Context::lookup);
  CHECK(eip.base == R13);
  CHECK(eip.index == HostAddress::kNone);
  CHECK_FALSE(eip.window);
  CHECK(eip.displacement == offset(&context.eip));
  CHECK(lookup.displacement == offset(&context.lookup));
}

}  // namespace
}  // namespace penumbra
