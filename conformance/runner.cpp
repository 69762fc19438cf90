// The pool of forked processes: verdicts come back through a pipe, time limits are kept by the parent.
#include "conformance/runner.h"

#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <exception>
#include <list>

#include "core/base/bits.h"
#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Child {
  size_t job;
  pid_t process;
  int pipe;
  SteadyClock::time_point started;
  unsigned timeout;
  std::string received;  // a verdict byte, then the detail
  bool timed_out = false;
};

CaseResult run_guarded(const Case& test, const Options& options) {
  try {
    return test.run(options);
  } catch (const std::exception& error) {
    return failed(fmt::format("exception: {}", error.what()));
  }
}

void write_all(int file, const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    const ssize_t n = write(file, text.data() + at, text.size() - at);
    if (n <= 0 && errno != EINTR) return;
    if (n > 0) at += static_cast<size_t>(n);
  }
}

Child start(const std::vector<Job>& jobs, size_t index, const Options& options) {
  int ends[2];
  if (pipe(ends) != 0) throw host_error("conform: pipe");
  std::fflush(nullptr);
  const pid_t process = fork();
  if (process < 0) throw host_error("conform: fork");
  const Case& test = *jobs[index].test;
  if (process == 0) {
    // A group of its own, so that a time limit also ends what the case itself has started.
    setpgid(0, 0);
    close(ends[0]);
    const CaseResult result = run_guarded(test, options);
    write_all(ends[1], std::string(1, static_cast<char>('0' + number(result.verdict))) + result.detail);
    std::fflush(nullptr);
    _exit(0);
  }
  setpgid(process, process);
  close(ends[1]);
  return {index, process, ends[0], SteadyClock::now(), options.timeout ? options.timeout : test.timeout, {}};
}

CaseResult verdict_of(const Child& child, int status) {
  if (child.timed_out) return failed(fmt::format("no result after {} s", child.timeout));
  if (WIFSIGNALED(status))
    return failed(fmt::format("crashed: signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status))));
  if (child.received.empty() || child.received[0] < '0' || child.received[0] > '2')
    return failed(fmt::format("ended without a verdict, exit code {}", WEXITSTATUS(status)));
  return {static_cast<Verdict>(child.received[0] - '0'), child.received.substr(1)};
}

double seconds_since(SteadyClock::time_point then) {
  return std::chrono::duration<double>(SteadyClock::now() - then).count();
}

// Reads what has come. False once the process has closed its end.
bool receive(Child& child) {
  char buffer[65536];
  const ssize_t n = read(child.pipe, buffer, sizeof buffer);
  if (n > 0) child.received.append(buffer, static_cast<size_t>(n));
  return n > 0 || (n < 0 && errno == EINTR);
}

void end_overdue(std::list<Child>& running) {
  for (Child& child : running) {
    if (child.timed_out || seconds_since(child.started) < child.timeout) continue;
    child.timed_out = true;
    kill(-child.process, SIGKILL);
    kill(child.process, SIGKILL);
  }
}

}  // namespace

std::vector<Finished> run_jobs(const std::vector<Job>& jobs, const Options& options,
                               const std::function<void(const Finished&)>& report) {
  std::vector<Finished> finished;
  std::list<Child> running;
  size_t next = 0;
  bool stop = false;
  while ((next < jobs.size() && !stop) || !running.empty()) {
    while (running.size() < options.jobs && next < jobs.size() && !stop)
      running.push_back(start(jobs, next++, options));

    std::vector<pollfd> waits;
    for (const Child& child : running) waits.push_back({child.pipe, POLLIN, 0});
    if (poll(waits.data(), waits.size(), 200) < 0 && errno != EINTR) throw host_error("conform: poll");
    end_overdue(running);

    size_t i = 0;
    for (auto child = running.begin(); child != running.end(); ++i) {
      if (!waits[i].revents || receive(*child)) {
        ++child;
        continue;
      }
      close(child->pipe);
      int status = 0;
      while (waitpid(child->process, &status, 0) < 0 && errno == EINTR) {
      }
      kill(-child->process, SIGKILL);  // whatever the case left behind
      finished.push_back({jobs[child->job], verdict_of(*child, status), seconds_since(child->started)});
      report(finished.back());
      if (finished.back().result.verdict == Verdict::failed && !options.keep_going) stop = true;
      child = running.erase(child);
    }
  }
  return finished;
}

}  // namespace penumbra::conformance
