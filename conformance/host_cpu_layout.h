// The page that the harness's C++ and its machine code share, at a fixed address so that both can name it.
#pragma once

#include <array>

#include "conformance/subject.h"

namespace penumbra::conformance {

struct alignas(64) HostControl {
  std::array<u32, 8> in_gpr;
  u64 in_rip, in_cs, in_rflags, in_rsp, in_ss;  // an IRETQ frame
  u16 in_ds, in_es, in_fs, in_gs;
  u64 host_rsp;
  u64 host_fs_base;
  u32 host_mxcsr;
  u32 switch_fs;  // not 0: load FS too
  std::array<u32, 8> out_gpr;
  u64 out_rflags;
  u16 out_ss, out_ds, out_es, out_fs, out_gs;
  u16 padding[3];
  u64 inside;      // not 0 between entry and exit: a signal then belongs to the case
  u64 on_signal;   // C++ function (signal, context): fills in `fault`
  Outcome* fault;  // where a fault's result goes
  u64 faulted;
  alignas(64) std::array<u8, 512> in_fx;
  alignas(64) std::array<u8, 512> out_fx;
};

static_assert(offsetof(HostControl, in_rip) == 0x20);
static_assert(offsetof(HostControl, in_ds) == 0x48);
static_assert(offsetof(HostControl, host_rsp) == 0x50);
static_assert(offsetof(HostControl, host_fs_base) == 0x58);
static_assert(offsetof(HostControl, host_mxcsr) == 0x60);
static_assert(offsetof(HostControl, switch_fs) == 0x64);
static_assert(offsetof(HostControl, out_gpr) == 0x68);
static_assert(offsetof(HostControl, out_rflags) == 0x88);
static_assert(offsetof(HostControl, out_ss) == 0x90);
static_assert(offsetof(HostControl, inside) == 0xA0);
static_assert(offsetof(HostControl, on_signal) == 0xA8);
static_assert(offsetof(HostControl, in_fx) == 0xC0);
static_assert(offsetof(HostControl, out_fx) == 0x2C0);

inline HostControl& host_control() { return *reinterpret_cast<HostControl*>(u64{kHarnessBase}); }
// The machine code is copied to the page after it, so that 32-bit code reaches its exit by a far jump.
inline constexpr u32 kStubBase = kHarnessBase + kPageSize;

// The machine code: position-independent but for the addresses above.
extern "C" {
extern const char penumbra_stub_begin[];
extern const char penumbra_stub_exit[];
extern const char penumbra_stub_signal[];
extern const char penumbra_stub_end[];
}

}  // namespace penumbra::conformance
