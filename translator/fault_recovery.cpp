// The signal handlers. They decide nothing: they save what the guest has and let emitted code return.
#include "translator/fault_recovery.h"

#include <signal.h>
#include <ucontext.h>

#include <atomic>
#include <memory>
#include <optional>

#include "core/base/error.h"
#include "translator/assembler.h"

namespace penumbra {

namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
struct sigaction previous_actions[NSIG];
// A signal has no other way to find whom it belongs to. Nothing here may touch thread-local memory: whoever else
// handles signals in this process (the host CPU harness) may be interrupted with a foreign FS base.
constexpr unsigned kMostPlaces = 256;
std::atomic<const FaultRecovery::Place*> places[kMostPlaces];

void pass_on(int signal, siginfo_t* info, void* machine) {
  const struct sigaction& previous = previous_actions[signal];
  if (previous.sa_flags & SA_SIGINFO) return previous.sa_sigaction(signal, info, machine);
  if (previous.sa_handler != SIG_DFL && previous.sa_handler != SIG_IGN) return previous.sa_handler(signal);
  // The instruction runs into it again, and the process ends as it would have.
  sigaction(signal, &previous, nullptr);
}

#if defined(__x86_64__)
const FaultRecovery::Place* place_of(u64 code) {
  for (const auto& slot : places)
    if (const FaultRecovery::Place* place = slot.load(); place && place->buffer->contains(code)) return place;
  return nullptr;
}

void on_signal(int signal, siginfo_t* info, void* machine) {
  auto* registers = static_cast<ucontext_t*>(machine)->uc_mcontext.gregs;
  const u64 code = static_cast<u64>(registers[REG_RIP]);
  const FaultRecovery::Place* place = place_of(code);
  if (!place) return pass_on(signal, info, machine);
  constexpr int kGuest[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_R12, REG_RBP, REG_RSI, REG_RDI};
  constexpr u64 kDirection = 0x400, kAlignment = 0x40000;
  Context& c = *place->context;
  for (unsigned n = 0; n < 8; ++n) c.gpr[n] = static_cast<u32>(registers[kGuest[n]]);
  c.flags = static_cast<u64>(registers[REG_EFL]);
  c.left_stack = static_cast<u64>(registers[REG_RSP]);
  c.reason = ExitReason::fault;
  c.fault_code = code;
  c.fault_address = reinterpret_cast<u64>(info->si_addr);
  c.fault_target = static_cast<u64>(registers[REG_R8]);
  c.fault_signal = static_cast<u32>(signal);
  c.fault_write = registers[REG_ERR] & 2;
  registers[REG_EFL] &= ~static_cast<greg_t>(kDirection | kAlignment);
  registers[REG_RIP] = static_cast<greg_t>(place->abandon);
}
#else
// No emitted code runs here (Translator::supported).
void on_signal(int signal, siginfo_t* info, void* machine) { pass_on(signal, info, machine); }
#endif

// Handlers cannot run on the stack of returns: its guard may be what was hit. One for each thread.
class SignalStack {
 public:
  SignalStack() : memory_(std::make_unique<u8[]>(kBytes)) {
    stack_t stack{};
    stack.ss_sp = memory_.get();
    stack.ss_size = kBytes;
    if (sigaltstack(&stack, nullptr) != 0) throw host_error("sigaltstack");
  }
  ~SignalStack() {
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }

 private:
  static constexpr u64 kBytes = 256 << 10;
  std::unique_ptr<u8[]> memory_;
};

void claim_stack() {
  stack_t now;
  if (sigaltstack(nullptr, &now) == 0 && !(now.ss_flags & SS_DISABLE)) return;
  thread_local std::optional<SignalStack> stack;
  stack.emplace();
}

// Takes the signals, unless they are ours already: a front end may have come in between with handlers of its own.
void claim_signals() {
  struct sigaction now;
  if (sigaction(SIGSEGV, nullptr, &now) == 0 && (now.sa_flags & SA_SIGINFO) && now.sa_sigaction == on_signal) return;
  struct sigaction action {};
  action.sa_sigaction = on_signal;
  // Not masked while the handler runs, so that a fault of the handler itself is not for ever.
  action.sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK;
  for (const int signal : kSignals)
    if (sigaction(signal, &action, &previous_actions[signal]) != 0) throw host_error("sigaction");
}

}  // namespace

FaultRecovery::FaultRecovery(Context& context, const CodeBuffer& buffer, const Thunks& thunks)
    : place_{&context, &buffer, reinterpret_cast<u64>(buffer.code(thunks.abandon))} {
  claim();
  for (slot_ = 0; slot_ < kMostPlaces; ++slot_) {
    const Place* none = nullptr;
    if (places[slot_].compare_exchange_strong(none, &place_)) return;
  }
  throw HostError("more translating machines in one process than there is room for");
}

void FaultRecovery::claim() {
  claim_signals();
  claim_stack();
}

FaultRecovery::~FaultRecovery() { places[slot_] = nullptr; }

}  // namespace penumbra
