// The host harness: its memory below 4 GiB, its local descriptor table, its fault signals, and one run.
#include "conformance/host_cpu.h"

#include "conformance/host_cpu_layout.h"
#include "conformance/segments.h"
#include "core/base/error.h"
#include "translator/translator.h"

#if defined(__x86_64__) && defined(__linux__)

#include <asm/ldt.h>
#include <signal.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <vector>

namespace penumbra::conformance {
namespace {

constexpr int kFaultSignals[] = {SIGSEGV, SIGFPE, SIGILL, SIGBUS, SIGTRAP};
constexpr size_t kSignalStackBytes = 256 * 1024;  // room for the largest frame (AMX tiles)

void* map_at(u64 address, u64 bytes, int protection, int file, u64 offset) {
  const int kind = file < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED;
  void* at = mmap(reinterpret_cast<void*>(address), bytes, protection,
                  kind | MAP_POPULATE | (address ? MAP_FIXED_NOREPLACE : 0), file, static_cast<off_t>(offset));
  if (at == MAP_FAILED) throw host_error(fmt::format("host CPU harness: mmap at {:x}", address));
  return at;
}

// Anything else of this process below 4 GiB would be within a case's reach.
void require_empty_low_memory() {
  std::FILE* maps = std::fopen("/proc/self/maps", "r");
  if (!maps) throw host_error("/proc/self/maps");
  unsigned long first = ~0ul;
  const int fields = std::fscanf(maps, "%lx", &first);
  std::fclose(maps);
  if (fields != 1 || first < 0x1'0000'0000)
    throw HostError(fmt::format("host CPU harness: this process has memory of its own at {:x}, below 4 GiB", first));
}

// Called by the stub's signal entry, on the signal stack, with the thread pointer restored. A null context: the signal
// is not the case's, so it ends the process as if no handler were there.
void on_signal(int signal_number, const ucontext_t* context) {
  if (!context) {
    signal(signal_number, SIG_DFL);
    ::raise(signal_number);
    return;
  }
  const HostControl& control = host_control();
  Outcome& out = *control.fault;
  const greg_t* regs = context->uc_mcontext.gregs;
  out.vector = static_cast<u8>(regs[REG_TRAPNO]);
  out.error_code = static_cast<u32>(regs[REG_ERR]);
  out.cr2 = out.vector == 14 ? static_cast<u32>(regs[REG_CR2]) : 0;
  constexpr int kOrder[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI};
  for (unsigned i = 0; i < 8; ++i) out.state.gpr[i] = static_cast<u32>(regs[kOrder[i]]);
  out.state.eip = static_cast<u32>(regs[REG_RIP]);
  out.state.eflags = static_cast<u32>(regs[REG_EFL]);
  const u64 selectors = static_cast<u64>(regs[REG_CSGSFS]);
  out.state.selector = {
      control.out_es, static_cast<u16>(selectors), static_cast<u16>(selectors >> 48), control.out_ds, control.out_fs,
      control.out_gs};
  std::memcpy(out.state.fx.data(), context->uc_mcontext.fpregs, out.state.fx.size());
}

class LinuxHostCpu final : public HostCpu {
 public:
  LinuxHostCpu();
  ~LinuxHostCpu() override;
  const HostAbilities& abilities() const override { return abilities_; }
  Outcome run(const UserState& in, std::span<const u8> code, u32 code_at, Ending ending, Arena& arena) override;
  // Throws HostError where user programs have no 32-bit code segment, as in some virtual machines.
  void require_compatibility_mode();

 private:
  void map_memory();
  void install_segments();
  void install_signals();
  // Puts the code and what ends it in place; returns how many bytes were written.
  u32 place(std::span<const u8> code, u32 code_at, Ending ending);
  void load(const UserState& in);
  void collect(const UserState& in, u32 end_at, Outcome& out) const;

  HostAbilities abilities_;
  u8* alias_ = nullptr;  // the code pages, then the data pages, writable
  std::vector<u8> signal_stack_;
};

LinuxHostCpu::LinuxHostCpu() : signal_stack_(kSignalStackBytes) {
  require_empty_low_memory();
  map_memory();
  install_segments();
  install_signals();
  abilities_.fs = getauxval(AT_HWCAP2) & 2;  // HWCAP2_FSGSBASE
}

LinuxHostCpu::~LinuxHostCpu() {
  for (const int number : kFaultSignals) signal(number, SIG_DFL);
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  munmap(reinterpret_cast<void*>(u64{kHarnessBase}), 2 * kPageSize);
  munmap(reinterpret_cast<void*>(u64{kCodeBase}), kCodeBytes);
  munmap(reinterpret_cast<void*>(u64{kDataBase}), kDataBytes);
  munmap(alias_, kCodeBytes + kDataBytes);
}

void LinuxHostCpu::map_memory() {
  const int file = memfd_create("penumbra-host-cpu", MFD_CLOEXEC);
  if (file < 0) throw host_error("host CPU harness: memfd_create");
  if (ftruncate(file, kCodeBytes + kDataBytes) != 0) throw host_error("host CPU harness: ftruncate");
  alias_ = static_cast<u8*>(map_at(0, kCodeBytes + kDataBytes, PROT_READ | PROT_WRITE, file, 0));
  std::memset(alias_, kTerminator, kCodeBytes);
  map_at(kCodeBase, kCodeBytes, PROT_READ | PROT_EXEC, file, 0);
  map_at(kDataBase, kDataWritable, PROT_READ | PROT_WRITE | PROT_EXEC, file, kCodeBytes);
  map_at(kDataBase + kDataWritable, kDataBytes - kDataWritable, PROT_READ | PROT_EXEC, file,
         kCodeBytes + kDataWritable);
  close(file);
  map_at(kHarnessBase, kPageSize, PROT_READ | PROT_WRITE, -1, 0);
  void* stub = map_at(kStubBase, kPageSize, PROT_READ | PROT_WRITE, -1, 0);
  std::memcpy(stub, penumbra_stub_begin, static_cast<size_t>(penumbra_stub_end - penumbra_stub_begin));
  if (mprotect(stub, kPageSize, PROT_READ | PROT_EXEC) != 0) throw host_error("host CPU harness: mprotect");
}

void LinuxHostCpu::install_segments() {
  abilities_.local_segments = true;
  for (unsigned index = 0; index < kLdtCount; ++index) {
    const LocalSegment& s = kLocalSegments[index];
    user_desc entry{};
    entry.entry_number = index;
    entry.base_addr = s.base;
    entry.limit = s.limit;
    entry.seg_32bit = s.big;
    entry.contents = s.kind == SegmentKind::code          ? MODIFY_LDT_CONTENTS_CODE
                     : s.kind == SegmentKind::expand_down ? MODIFY_LDT_CONTENTS_STACK
                                                          : MODIFY_LDT_CONTENTS_DATA;
    entry.read_exec_only = !s.writable_or_readable;
    entry.limit_in_pages = s.pages;
    entry.seg_not_present = !s.present;
    entry.useable = 1;
    if (syscall(SYS_modify_ldt, 0x11, &entry, sizeof entry) != 0) abilities_.local_segments = false;
  }
}

void LinuxHostCpu::install_signals() {
  stack_t stack{};
  stack.ss_sp = signal_stack_.data();
  stack.ss_size = signal_stack_.size();
  if (sigaltstack(&stack, nullptr) != 0) throw host_error("host CPU harness: sigaltstack");
  host_control().on_signal = reinterpret_cast<u64>(&on_signal);
  struct sigaction action {};
  const u64 entry = kStubBase + static_cast<u64>(penumbra_stub_signal - penumbra_stub_begin);
  action.sa_sigaction = reinterpret_cast<void (*)(int, siginfo_t*, void*)>(entry);
  // The way out of a case is a jump, not a sigreturn: the signal must not stay blocked.
  action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  for (const int number : kFaultSignals)
    if (sigaction(number, &action, nullptr) != 0) throw host_error("host CPU harness: sigaction");
}

void LinuxHostCpu::require_compatibility_mode() {
  constexpr std::array<u8, 1> kNop{0x90};
  UserState in;
  in.eip = kCodeBase;
  in.gpr[kEsp] = kDataBase + kPageSize;
  in.selector = {kFlatData, kFlatCode, kFlatData, kFlatData, kFlatData, kFlatData};
  store<u16>(&in.fx[kFxControl], 0x37F);
  store<u32>(&in.fx[kFxMxcsr], 0x1F80);
  const auto arena = std::make_unique<Arena>();
  const Outcome out = run(in, kNop, kCodeBase, Ending::anywhere, *arena);
  // A fault of the IRETQ itself is the harness's 64-bit code's.
  if (out.vector != Outcome::kFinished && out.state.selector[kCs] != kFlatCode)
    throw HostError("this host has no 32-bit code segment for user programs");
}

u32 LinuxHostCpu::place(std::span<const u8> code, u32 code_at, Ending ending) {
  const u32 offset = code_at - kCodeBase;
  std::memcpy(alias_ + offset, code.data(), code.size());
  u32 written = static_cast<u32>(code.size());
  // JMP 33h:exit needs seven bytes; where they don't fit, the terminator that is there already serves.
  if (ending == Ending::straight && offset + written + 7 <= kCodeBytes) {
    const u32 exit = kStubBase + static_cast<u32>(penumbra_stub_exit - penumbra_stub_begin);
    u8* jump = alias_ + offset + written;
    jump[0] = 0xEA;
    store<u32>(jump + 1, exit);
    store<u16>(jump + 5, 0x33);
    written += 7;
  }
  return written;
}

void LinuxHostCpu::load(const UserState& in) {
  HostControl& control = host_control();
  control.in_gpr = in.gpr;
  control.in_rip = in.eip;
  control.in_cs = in.selector[kCs];
  control.in_rflags = in.eflags;
  control.in_rsp = in.gpr[kEsp];
  control.in_ss = in.selector[kSs];
  control.in_ds = in.selector[kDs];
  control.in_es = in.selector[kEs];
  control.in_fs = in.selector[kFs];
  control.in_gs = in.selector[kGs];
  control.switch_fs = abilities_.fs;
  control.in_fx = in.fx;
}

void LinuxHostCpu::collect(const UserState& in, u32 end_at, Outcome& out) const {
  const HostControl& control = host_control();
  out.state.gpr = control.out_gpr;
  out.state.eip = in.eip + end_at;
  out.state.eflags = static_cast<u32>(control.out_rflags);
  out.state.selector = {control.out_es, in.selector[kCs], control.out_ss,
                        control.out_ds, control.out_fs,   control.out_gs};
  out.state.fx = control.out_fx;
}

Outcome LinuxHostCpu::run(const UserState& in, std::span<const u8> code, u32 code_at, Ending ending, Arena& arena) {
  Translator::host_segments_changed();
  const u32 written = place(code, code_at, ending);
  u8* data = alias_ + kCodeBytes;
  std::memcpy(data, arena.bytes.data(), kDataBytes);
  load(in);
  Outcome out;
  HostControl& control = host_control();
  control.fault = &out;
  out.vector = Outcome::kFinished;
  reinterpret_cast<void (*)()>(u64{kStubBase})();
  if (out.vector == Outcome::kFinished) {
    collect(in, static_cast<u32>(code.size()), out);
  } else {
    const u32 linear = out.state.eip + segment_base(out.state.selector[kCs]).value_or(0);
    const u32 offset = linear - kCodeBase;
    const bool in_case = linear - code_at < code.size();
    if (out.vector == 13 && out.error_code == 0 && offset < kCodeBytes && !in_case && alias_[offset] == kTerminator)
      out.vector = Outcome::kFinished;
  }
  std::memcpy(arena.bytes.data(), data, kDataWritable);
  std::memset(alias_ + (code_at - kCodeBase), kTerminator, written);
  return out;
}

}  // namespace

std::unique_ptr<HostCpu> HostCpu::create() {
  auto host = std::make_unique<LinuxHostCpu>();
  host->require_compatibility_mode();
  return host;
}

}  // namespace penumbra::conformance

#else

namespace penumbra::conformance {

std::unique_ptr<HostCpu> HostCpu::create() { throw HostError("the host CPU oracle needs x86-64 Linux"); }

}  // namespace penumbra::conformance

#endif
