// When MMX and SSE instructions refuse: #UD, #NM, #GP, #MF, #XM, and what they leave behind then.
#include <doctest/doctest.h>

#include <optional>
#include <vector>

#include "core/cpu/x87_arithmetic.h"
#include "tests/support/bare_cpu.h"

namespace penumbra {
namespace {

constexpr u32 kCode = 0x1000;
constexpr u32 kData = 0x2000;

// Real mode; each vector's handler is a HLT of its own, so that where the processor halted names the vector.
struct SimdRig : BareCpu {
  explicit SimdRig(std::string_view model = "p4") : BareCpu(model) {
    for (u32 vector = 0; vector < 32; ++vector) {
      store_u32(4 * vector, 0x600 + vector);
      load(0x600 + vector, {0xF4});
    }
    start_real(kCode);
    cpu.cr0 |= cr0::NE;
    cpu.cr4 |= cr4::OSFXSR | cr4::OSXMMEXCPT;
    cpu.x87.control = 0x037F;
  }
  void store_u32(u32 address, u32 value) {
    memory.write(PhysAddr(address), std::span(reinterpret_cast<u8*>(&value), 4));
  }
  // The vector of the fault that the instruction raised, if any.
  std::optional<unsigned> run(std::vector<u8> bytes) {
    bytes.push_back(0xF4);
    load(kCode, bytes);
    cpu.eip = kCode;
    cpu.gpr[ESP] = 0x8000;
    cpu.halted = false;
    cpu.state_changed();
    REQUIRE(cpu.run(100) == RunEnd::halted);
    if (cpu.eip >= 0x600 && cpu.eip <= 0x620) return cpu.eip - 0x601;
    CHECK(cpu.eip == kCode + bytes.size());
    return std::nullopt;
  }
};

// With bx = kData: an instruction of each kind.
const std::vector<u8> kAddpsMemory{0x0F, 0x58, 0x07};
const std::vector<u8> kMovapsLoad{0x0F, 0x28, 0x07};
const std::vector<u8> kMovapsStore{0x0F, 0x29, 0x07};
const std::vector<u8> kMovupsLoad{0x0F, 0x10, 0x07};
const std::vector<u8> kMovssLoad{0xF3, 0x0F, 0x10, 0x07};
const std::vector<u8> kAddssRegister{0xF3, 0x0F, 0x58, 0xC1};
const std::vector<u8> kPaddbMmx{0x0F, 0xFC, 0xC1};
const std::vector<u8> kEmms{0x0F, 0x77};

TEST_CASE("SSE needs CR4.OSFXSR, CR0.EM clear and CR0.TS clear, in this order") {
  const std::vector<u8> codes[] = {kAddpsMemory, kMovapsLoad, kMovapsStore, kMovssLoad, kAddssRegister};
  for (const auto& code : codes) {
    SimdRig rig;
    rig.cpu.gpr[EBX] = kData;
    CHECK(rig.run(code) == std::nullopt);
    rig.cpu.cr0 |= cr0::TS;
    CHECK(rig.run(code) == 7);
    rig.cpu.cr4 &= ~cr4::OSFXSR;
    CHECK(rig.run(code) == 6);
    rig.cpu.cr0 &= ~cr0::TS;
    CHECK(rig.run(code) == 6);
    rig.cpu.cr4 |= cr4::OSFXSR;
    rig.cpu.cr0 |= cr0::EM | cr0::TS;
    CHECK(rig.run(code) == 6);
  }
}

TEST_CASE("MMX does not need OSFXSR; EM is #UD, TS #NM, a waiting x87 exception #MF") {
  SimdRig rig;
  rig.cpu.cr4 = 0;
  CHECK(rig.run(kPaddbMmx) == std::nullopt);
  rig.cpu.cr0 |= cr0::TS;
  CHECK(rig.run(kPaddbMmx) == 7);
  CHECK(rig.run(kEmms) == 7);
  rig.cpu.cr0 |= cr0::EM;
  CHECK(rig.run(kPaddbMmx) == 6);
  rig.cpu.cr0 &= ~(cr0::EM | cr0::TS);
  rig.cpu.x87.control = 0x037E;
  rig.cpu.x87.status = x87_bits::IE | x87_bits::SUMMARY | x87_bits::B;
  CHECK(rig.run(kPaddbMmx) == 16);
  CHECK(rig.run(kEmms) == 16);
}

TEST_CASE("with CR0.NE clear, MMX waits for the interrupt of the x87 exception, or goes on if IGNNE# says so") {
  SimdRig rig;
  rig.cpu.cr0 &= ~cr0::NE;
  rig.cpu.x87.control = 0x037E;
  rig.cpu.x87.status = x87_bits::IE | x87_bits::SUMMARY | x87_bits::B;
  rig.load(kCode, {0x0F, 0xFC, 0xC1, 0xF4});
  rig.cpu.state_changed();
  CHECK(rig.cpu.run(10) == RunEnd::budget);
  CHECK(rig.cpu.eip == kCode);
  CHECK(rig.cpu.x87.valid == 0);
  rig.cpu.set_ignne(true);
  CHECK(rig.cpu.run(10) == RunEnd::halted);
  CHECK(rig.cpu.x87.valid == 0xFF);
}

TEST_CASE("models without the feature refuse it") {
  SimdRig p2("p2"), p3("p3"), pentium("pentium"), i486("486");
  CHECK(i486.run(kPaddbMmx) == 6);
  CHECK(pentium.run(kPaddbMmx) == std::nullopt);
  CHECK(p2.run(kAddssRegister) == 6);
  CHECK(p3.run(kAddssRegister) == std::nullopt);
  CHECK(p2.run({0x0F, 0xDA, 0xC1}) == 6);  // pminub mm0, mm1
  CHECK(p3.run({0x0F, 0xDA, 0xC1}) == std::nullopt);
  CHECK(p3.run({0x0F, 0xD4, 0xC1}) == 6);        // paddq mm0, mm1
  CHECK(p3.run({0x66, 0x0F, 0xFC, 0xC1}) == 6);  // paddb xmm0, xmm1
  SimdRig p4;
  CHECK(p4.run({0x0F, 0xD4, 0xC1}) == std::nullopt);
  CHECK(p4.run({0x66, 0x0F, 0xFC, 0xC1}) == std::nullopt);
  CHECK(p4.run({0xF2, 0x0F, 0x7C, 0xC1}) == 6);  // haddps, SSE3
}

TEST_CASE("16-byte operands must be aligned, but for the unaligned moves") {
  SimdRig rig;
  rig.cpu.gpr[EBX] = kData + 8;
  CHECK(rig.run(kAddpsMemory) == 13);
  CHECK(rig.run(kMovapsLoad) == 13);
  CHECK(rig.run(kMovapsStore) == 13);
  CHECK(rig.run(kMovupsLoad) == std::nullopt);
  CHECK(rig.run(kMovssLoad) == std::nullopt);
  // The linear address counts, not the offset.
  rig.cpu.segment[DS].base = 8;
  CHECK(rig.run(kMovapsLoad) == std::nullopt);
}

TEST_CASE("a store across the segment's limit changes nothing") {
  SimdRig rig;
  rig.cpu.gpr[EBX] = 0xFFF8;
  rig.cpu.xmm[0].qword[0] = ~u64{0};
  rig.store_u32(0xFFF8, 0x1234);
  CHECK(rig.run({0x0F, 0x11, 0x07}) == 13);  // movups [bx], xmm0
  CHECK(rig.memory.load<u32>(PhysAddr(0xFFF8)) == 0x1234);
}

TEST_CASE("MMX state: tags, TOP and exponents") {
  SimdRig rig;
  rig.cpu.x87.top = 5;
  rig.cpu.x87.valid = 0;
  rig.cpu.x87.registers[1] = {0x0102'0304'0506'0708, 0x1234};
  CHECK(rig.run(kPaddbMmx) == std::nullopt);
  CHECK(rig.cpu.x87.top == 0);
  CHECK(rig.cpu.x87.valid == 0xFF);
  CHECK(rig.cpu.x87.registers[0].sign_exponent == 0xFFFF);
  CHECK(rig.cpu.x87.registers[0].significand == 0x0102'0304'0506'0708);
  CHECK(rig.cpu.x87.registers[1].sign_exponent == 0x1234);
  rig.cpu.x87.top = 3;
  CHECK(rig.run({0x0F, 0xD7, 0xC1}) == std::nullopt);  // pmovmskb eax, mm1
  CHECK(rig.cpu.x87.top == 0);
  CHECK(rig.run(kEmms) == std::nullopt);
  CHECK(rig.cpu.x87.valid == 0);
}

TEST_CASE("an unmasked exception leaves the destination alone and its flag set") {
  SimdRig rig;
  rig.cpu.xmm[0].dword[0] = 0x3F80'0000;  // 1
  rig.cpu.xmm[1].dword[0] = 0;
  rig.cpu.mxcsr = 0x1F80 & ~(4u << 7);
  CHECK(rig.run({0xF3, 0x0F, 0x5E, 0xC1}) == 19);  // divss xmm0, xmm1
  CHECK(rig.cpu.xmm[0].dword[0] == 0x3F80'0000);
  CHECK((rig.cpu.mxcsr & 0x3F) == 4);
  rig.cpu.cr4 &= ~cr4::OSXMMEXCPT;
  CHECK(rig.run({0xF3, 0x0F, 0x5E, 0xC1}) == 6);
  rig.cpu.mxcsr = 0x1F80;
  CHECK(rig.run({0xF3, 0x0F, 0x5E, 0xC1}) == std::nullopt);
  CHECK(rig.cpu.xmm[0].dword[0] == 0x7F80'0000);
}

TEST_CASE("an unmasked underflow is reported for an exact tiny result, without PE") {
  SimdRig rig;
  rig.cpu.xmm[0].dword[0] = 0x0080'0000;  // the least normal
  rig.cpu.xmm[1].dword[0] = 0x3F00'0000;  // one half
  rig.cpu.mxcsr = 0x1F80 & ~(16u << 7);
  CHECK(rig.run({0xF3, 0x0F, 0x59, 0xC1}) == 19);  // mulss
  CHECK((rig.cpu.mxcsr & 0x3F) == 16);
  rig.cpu.mxcsr = 0x1F80;
  CHECK(rig.run({0xF3, 0x0F, 0x59, 0xC1}) == std::nullopt);
  CHECK((rig.cpu.mxcsr & 0x3F) == 0);
  CHECK(rig.cpu.xmm[0].dword[0] == 0x0040'0000);
}

TEST_CASE("packed exceptions: those found before the operation keep the others from being reported") {
  SimdRig rig;
  rig.cpu.xmm[0].dword[0] = 0x3F80'0000;  // 1 / 0: divide by zero
  rig.cpu.xmm[1].dword[0] = 0;
  rig.cpu.xmm[0].dword[1] = 0x3F80'0000;  // 1 / 3: inexact
  rig.cpu.xmm[1].dword[1] = 0x4040'0000;
  for (unsigned n = 2; n < 4; ++n) rig.cpu.xmm[0].dword[n] = rig.cpu.xmm[1].dword[n] = 0x3F80'0000;
  rig.cpu.mxcsr = 0x1F80 & ~((4u | 32u) << 7);
  CHECK(rig.run({0x0F, 0x5E, 0xC1}) == 19);  // divps
  CHECK((rig.cpu.mxcsr & 0x3F) == 4);
  rig.cpu.mxcsr = 0x1F80 & ~(32u << 7);
  CHECK(rig.run({0x0F, 0x5E, 0xC1}) == 19);
  CHECK((rig.cpu.mxcsr & 0x3F) == (4 | 32));
}

TEST_CASE("an unmasked overflow of an exact product is not inexact") {
  SimdRig rig;
  rig.cpu.xmm[0].dword[0] = rig.cpu.xmm[1].dword[0] = 0x7180'0000;  // 2^100
  rig.cpu.mxcsr = 0x1F80 & ~(8u << 7);
  CHECK(rig.run({0xF3, 0x0F, 0x59, 0xC1}) == 19);
  CHECK((rig.cpu.mxcsr & 0x3F) == 8);
  rig.cpu.mxcsr = 0x1F80;
  CHECK(rig.run({0xF3, 0x0F, 0x59, 0xC1}) == std::nullopt);
  CHECK((rig.cpu.mxcsr & 0x3F) == (8 | 32));
}

TEST_CASE("LDMXCSR takes the model's bits only") {
  SimdRig p3("p3"), p4;
  for (SimdRig* rig : {&p3, &p4}) {
    rig->cpu.gpr[EBX] = kData;
    rig->store_u32(kData, 0x1FC0);
  }
  CHECK(p3.run({0x0F, 0xAE, 0x17}) == 13);
  CHECK(p3.cpu.mxcsr == 0x1F80);
  CHECK(p4.run({0x0F, 0xAE, 0x17}) == std::nullopt);
  CHECK(p4.cpu.mxcsr == 0x1FC0);
  p4.store_u32(kData, 0x1'1F80);
  CHECK(p4.run({0x0F, 0xAE, 0x17}) == 13);
}

TEST_CASE("MOVSD and CMPSD: string instructions without prefix F2, scalar moves and comparisons with 0F") {
  SimdRig rig;
  rig.cpu.gpr[ESI] = kData;
  rig.cpu.gpr[EDI] = kData + 16;
  rig.store_u32(kData, 0xDEAD'BEEF);
  CHECK(rig.run({0x66, 0xA5}) == std::nullopt);  // movsd
  CHECK(rig.memory.load<u32>(PhysAddr(kData + 16)) == 0xDEAD'BEEF);
  rig.cpu.gpr[EBX] = kData;
  rig.cpu.xmm[2].qword[1] = 7;
  CHECK(rig.run({0xF2, 0x0F, 0x10, 0x17}) == std::nullopt);  // movsd xmm2, [bx]
  CHECK(rig.cpu.xmm[2].dword[0] == 0xDEAD'BEEF);
  CHECK(rig.cpu.xmm[2].qword[1] == 0);
}

TEST_CASE("MASKMOVDQU writes the chosen bytes only, through an overridden segment too") {
  SimdRig rig;
  rig.cpu.segment[ES].base = 0x100;
  rig.cpu.gpr[EDI] = kData;
  rig.cpu.xmm[0].qword[0] = 0x1122'3344'5566'7788;
  rig.cpu.xmm[1].qword[0] = 0x0000'0080'0000'0080;
  rig.cpu.xmm[1].qword[1] = 0;
  CHECK(rig.run({0x26, 0x66, 0x0F, 0xF7, 0xC1}) == std::nullopt);
  CHECK(rig.memory.load<u64>(PhysAddr(kData + 0x100)) == 0x0000'0044'0000'0088);
  CHECK(rig.memory.load<u64>(PhysAddr(kData)) == 0);
}

}  // namespace
}  // namespace penumbra
