// The host harness against results known by hand: registers, memory, flags, faults, segments, x87 and SSE state.
#include "conformance/host_cpu.h"

#include <doctest/doctest.h>

#include <cstring>
#include <string>

#include "conformance/segments.h"
#include "core/base/error.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

struct Bench {
  std::unique_ptr<HostCpu> cpu;
  UserState in;
  Arena arena;

  Bench() {
    try {
      cpu = HostCpu::create();
    } catch (const HostError& error) {
      MESSAGE("skipped: ", std::string(error.what()));
    }
    in.eip = kCodeBase + 0x100;
    in.gpr[kEsp] = kDataBase + 0x1800;
    in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
    store<u16>(&in.fx[kFxControl], 0x37F);
    store<u32>(&in.fx[kFxMxcsr], 0x1F80);
  }
  Outcome run(std::initializer_list<u8> code, Ending ending = Ending::straight) {
    const u32 base = segment_base(in.selector[kCs]).value();
    return cpu->run(in, {code.begin(), code.size()}, in.eip + base, ending, arena);
  }
};

}  // namespace

TEST_CASE("host CPU: a straight instruction changes its register and flags, both ways of ending agree") {
  Bench bench;
  if (!bench.cpu) return;
  bench.in.gpr[kEax] = 0xFFFFFFFF;
  for (const Ending ending : {Ending::straight, Ending::anywhere}) {
    const Outcome out = bench.run({0x83, 0xC0, 0x01}, ending);  // add eax, 1
    CHECK(out.vector == Outcome::kFinished);
    CHECK(out.state.gpr[kEax] == 0);
    CHECK(out.state.gpr[kEsp] == bench.in.gpr[kEsp]);
    CHECK((out.state.eflags & 0x8D5) == 0x55);  // CF PF AF ZF
    CHECK(out.state.eip == kCodeBase + 0x103);
    CHECK(out.state.selector == bench.in.selector);
  }
}

TEST_CASE("host CPU: memory is the case's own") {
  Bench bench;
  if (!bench.cpu) return;
  bench.in.gpr[kEbx] = kDataBase + 0x20;
  store<u32>(&bench.arena.bytes[0x20], 0x11223344);
  bench.in.gpr[kEcx] = 0xCAFEF00D;
  const Outcome out = bench.run({0x87, 0x0B});  // xchg [ebx], ecx
  CHECK(out.state.gpr[kEcx] == 0x11223344);
  CHECK(load<u32>(&bench.arena.bytes[0x20]) == 0xCAFEF00D);
}

TEST_CASE("host CPU: faults come with vector, error code, address and the instruction's own EIP") {
  Bench bench;
  if (!bench.cpu) return;
  bench.in.gpr[kEbx] = kDataBase - 4;
  Outcome out = bench.run({0x89, 0x03});  // mov [ebx], eax below the pages
  CHECK(out.vector == 14);
  CHECK(out.cr2 == kDataBase - 4);
  CHECK(out.error_code == 6);
  CHECK(out.state.eip == bench.in.eip);

  bench.in.gpr[kEbx] = kDataBase + kDataWritable;
  out = bench.run({0x89, 0x03});  // into the read-only page
  CHECK(out.vector == 14);
  CHECK(out.error_code == 7);

  bench.in.gpr[kEcx] = 0;
  out = bench.run({0xF7, 0xF1});  // div ecx
  CHECK(out.vector == 0);
  out = bench.run({0xCC});
  CHECK(out.vector == 3);
  CHECK(out.state.eip == bench.in.eip + 1);
  bench.in.eflags = 0xA02;  // OF
  CHECK(bench.run({0xCE}).vector == 4);
  CHECK(bench.run({0x0F, 0x0B}).vector == 6);
  out = bench.run({0xCD, 0x21});
  CHECK(out.vector == 13);
  CHECK(out.error_code == 0x21 * 8 + 2);
  CHECK(bench.run({0xFA}).vector == 13);  // cli
}

TEST_CASE("host CPU: a branch ends at the terminator it reaches") {
  Bench bench;
  if (!bench.cpu) return;
  const Outcome out = bench.run({0xEB, 0x40}, Ending::anywhere);
  CHECK(out.vector == Outcome::kFinished);
  CHECK(out.state.eip == bench.in.eip + 0x42);
}

TEST_CASE("host CPU: trap and alignment flags reach the case and nothing else") {
  Bench bench;
  if (!bench.cpu) return;
  bench.in.eflags = 0x302;  // TF
  Outcome out = bench.run({0x40}, Ending::anywhere);
  CHECK(out.vector == 1);
  CHECK(out.state.eip == bench.in.eip + 1);
  bench.in.eflags = 0x40202;  // AC
  bench.in.gpr[kEbx] = kDataBase + 1;
  out = bench.run({0x8B, 0x03}, Ending::anywhere);
  CHECK(out.vector == 17);
  out = bench.run({0x40}, Ending::straight);
  CHECK(out.vector == Outcome::kFinished);
  CHECK((out.state.eflags & 0x40000) != 0);
}

TEST_CASE("host CPU: x87 and SSE state travel both ways, unmasked exceptions arrive as #MF and #XM") {
  Bench bench;
  if (!bench.cpu) return;
  Outcome out = bench.run({0xD9, 0xE8});  // fld1
  CHECK(load<u16>(&out.state.fx[kFxStatus]) == 0x3800);
  CHECK(load<u64>(&out.state.fx[kFxStack]) == 0x8000000000000000);
  CHECK(load<u16>(&out.state.fx[kFxStack + 8]) == 0x3FFF);
  CHECK(out.state.fx[kFxTags] == 0x80);

  store<u32>(&bench.in.fx[kFxXmm], 0x3F800000);
  store<u32>(&bench.in.fx[kFxXmm + 16], 0x40000000);
  out = bench.run({0xF3, 0x0F, 0x58, 0xC1});  // addss xmm0, xmm1
  CHECK(load<u32>(&out.state.fx[kFxXmm]) == 0x40400000);

  store<u32>(&bench.in.fx[kFxMxcsr], 0x1D80);  // divide by zero unmasked
  store<u32>(&bench.in.fx[kFxXmm + 16], 0);
  out = bench.run({0xF3, 0x0F, 0x5E, 0xC1});  // divss
  CHECK(out.vector == 19);
  CHECK(load<u32>(&out.state.fx[kFxXmm]) == 0x3F800000);
  CHECK(load<u32>(&out.state.fx[kFxMxcsr]) == 0x1D84);

  store<u16>(&bench.in.fx[kFxControl], 0x37B);                  // divide by zero unmasked
  out = bench.run({0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9, 0x9B});  // fld1 fldz fdivp fwait
  CHECK(out.vector == 16);
  CHECK(out.state.eip == bench.in.eip + 6);
  CHECK((load<u16>(&out.state.fx[kFxStatus]) & 0x8084) == 0x8084);
}

TEST_CASE("host CPU: local segments have their bases, limits and sizes") {
  Bench bench;
  if (!bench.cpu || !bench.cpu->abilities().local_segments) return;
  store<u32>(&bench.arena.bytes[0x10], 77);
  bench.in.selector[kDs] = local_selector(kLdtBoundedData);
  Outcome out = bench.run({0xA1, 0x10, 0, 0, 0});  // mov eax, [10h]
  CHECK(out.state.gpr[kEax] == 77);
  CHECK(out.state.selector[kDs] == local_selector(kLdtBoundedData));
  CHECK(bench.run({0xA1, 0xFD, 0x1F, 0, 0}).vector == 13);

  bench.in.selector[kDs] = kFlatData;
  bench.in.selector[kSs] = local_selector(kLdtStack16);
  bench.in.gpr[kEsp] = 0x1000;
  bench.in.gpr[kEax] = 99;
  out = bench.run({0x50});
  CHECK(out.vector == Outcome::kFinished);
  CHECK((out.state.gpr[kEsp] & 0xFFFF) == 0xFFC);
  CHECK(load<u32>(&bench.arena.bytes[0xFFC]) == 99);
  bench.in.gpr[kEsp] = 0x3000;
  CHECK(bench.run({0x50}).vector == 12);

  bench.in.selector[kSs] = kFlatData;
  bench.in.selector[kCs] = local_selector(kLdtCode16);
  bench.in.eip = 0x200;
  out = bench.run({0xB8, 0x34, 0x12}, Ending::anywhere);  // mov ax, 1234h
  CHECK(out.vector == Outcome::kFinished);
  CHECK(out.state.eip == 0x203);
  CHECK((out.state.gpr[kEax] & 0xFFFF) == 0x1234);

  if (!bench.cpu->abilities().fs) return;
  bench.in.selector[kCs] = kFlatCode;
  bench.in.eip = kCodeBase + 0x100;
  bench.in.selector[kFs] = local_selector(kLdtBoundedData);
  out = bench.run({0x64, 0xA1, 0x10, 0, 0, 0});
  CHECK(out.state.gpr[kEax] == 77);
  CHECK(out.state.selector[kFs] == local_selector(kLdtBoundedData));
}
