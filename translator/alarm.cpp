// A POSIX timer for each thread, told which alarm is set.
#include "translator/alarm.h"

#include <signal.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <memory>

#include "core/base/error.h"

namespace penumbra {

namespace {

int alarm_signal() { return SIGRTMIN + 6; }

#if defined(__x86_64__)
// As in fault_recovery.cpp, nothing here may touch thread-local memory.
void on_alarm(int, siginfo_t* info, void* machine) {
  auto* registers = static_cast<ucontext_t*>(machine)->uc_mcontext.gregs;
  const auto* set = static_cast<const std::atomic<Alarm*>*>(info->si_value.sival_ptr);
  Alarm* alarm = set->load();
  if (alarm && alarm->go_off(static_cast<u64>(registers[REG_RIP]))) registers[REG_R14] = kStop;
}
#else
// No emitted code runs here (Translator::supported).
void on_alarm(int, siginfo_t*, void*) {}
#endif

class ThreadTimer {
 public:
  ThreadTimer() {
    struct sigaction action {};
    action.sa_sigaction = on_alarm;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    if (sigaction(alarm_signal(), &action, nullptr) != 0) throw host_error("sigaction");
    sigset_t ours;
    sigemptyset(&ours);
    sigaddset(&ours, alarm_signal());
    pthread_sigmask(SIG_UNBLOCK, &ours, nullptr);
    sigevent event{};
    event.sigev_notify = SIGEV_THREAD_ID;
    event.sigev_signo = alarm_signal();
    event.sigev_value.sival_ptr = &set_;
    event._sigev_un._tid = gettid();
    if (timer_create(CLOCK_MONOTONIC, &event, &timer_) != 0) throw host_error("timer_create");
  }
  ~ThreadTimer() { timer_delete(timer_); }

  void set(Alarm* alarm, i64 nanoseconds) {
    constexpr i64 kSecond = 1'000'000'000;
    set_ = alarm;
    const itimerspec when{{}, {nanoseconds / kSecond, nanoseconds % kSecond}};
    if (timer_settime(timer_, 0, &when, nullptr) != 0) throw host_error("timer_settime");
  }
  void cancel() {
    const itimerspec never{};
    timer_settime(timer_, 0, &never, nullptr);
    set_ = nullptr;
  }

 private:
  std::atomic<Alarm*> set_ = nullptr;
  timer_t timer_;
};

ThreadTimer& thread_timer() {
  thread_local ThreadTimer timer;
  return timer;
}

}  // namespace

Alarm::Alarm(Context& context, const CodeBuffer& buffer, const Thunks& thunks)
    : context_(context), buffer_(buffer), thunks_(thunks) {
  context_.poll = reinterpret_cast<u64>(&context_.poll_word);
}

bool Alarm::go_off(u64 code) {
  __atomic_store_n(&context_.poll, kStop, __ATOMIC_RELAXED);
  return buffer_.contains(code) && thunks_.is_polling(buffer_.offset_of(code));
}

Alarm::Set::Set(Alarm& alarm, i64 nanoseconds) {
  alarm.context_.poll = reinterpret_cast<u64>(&alarm.context_.poll_word);
  thread_timer().set(&alarm, nanoseconds > 0 ? nanoseconds : 1);
}
Alarm::Set::~Set() { thread_timer().cancel(); }

}  // namespace penumbra
