// The stub's life: connection, halting, going on, and the end.
#include "frontend/gdb_stub.h"

#include <fmt/format.h>

namespace penumbra {

namespace {

// gdb's own signal numbers.
constexpr int kInterrupted = 2;
constexpr int kTrapped = 5;

std::string stop_reply(int signal, std::string_view why = "") { return fmt::format("T{:02x}{}thread:1;", signal, why); }

}  // namespace

GdbStub::GdbStub(std::unique_ptr<HostChannel> channel, DebugTarget& target, Actions actions, bool wait)
    : channel_(std::move(channel)), target_(target), actions_(std::move(actions)), halted_(wait) {}

void GdbStub::pump() {
  u8 buffer[4096];
  for (;;) {
    const std::size_t count = channel_->read(buffer);
    if (channel_->hung_up() && count == 0) {
      if (connected_) disconnected();
      detached_ = false;
      return;
    }
    if (!connected_ && !detached_) {
      // A debugger expects to find its target stopped.
      connected_ = true;
      halt(stop_reply(kTrapped));
    }
    if (count == 0) break;
    for (std::size_t i = 0; i < count; ++i)
      if (const auto event = reader_.add(buffer[i])) handle(*event);
  }
  flush();
}

void GdbStub::disconnected() {
  connected_ = false;
  acknowledges_ = true;
  names_breakpoints_ = false;
  reader_ = {};
  output_.clear();
  breakpoints_.clear();
  target_.remove_all_breakpoints();
  halted_ = false;
  actions_.gone();
}

void GdbStub::halt(std::string reason) {
  halted_ = true;
  reason_ = std::move(reason);
}

void GdbStub::resume(bool step) {
  if (step) target_.step_once();
  halted_ = false;
}

void GdbStub::handle(const GdbEvent& event) {
  switch (event.kind) {
    case GdbEvent::Kind::interrupt:
      if (halted_) return;
      halt(stop_reply(kInterrupted));
      answer(reason_);
      return;
    case GdbEvent::Kind::damaged:
      if (acknowledges_) output_ += '-';
      return;
    case GdbEvent::Kind::packet: break;
  }
  if (acknowledges_) output_ += '+';
  if (const std::optional<std::string> reply = command(event.data)) answer(*reply);
}

void GdbStub::stopped(const Stop& stop) {
  if (stop.reason != StopReason::breakpoint) return;
  halt(stop_reply(kTrapped, hit_reason()));
  if (!connected_) return;
  answer(reason_);
  flush();
}

// "watch:ADDRESS;" and the like, for gdb to tell its breakpoints apart.
std::string GdbStub::hit_reason() {
  const std::optional<DebugTarget::Hit> hit = target_.last_hit();
  if (!hit) return {};
  switch (hit->kind) {
    case BreakKind::write: return fmt::format("watch:{:x};", hit->address.value);
    case BreakKind::read: return fmt::format("rwatch:{:x};", hit->address.value);
    case BreakKind::access: return fmt::format("awatch:{:x};", hit->address.value);
    case BreakKind::execute: break;
  }
  // Told so, gdb does not subtract 1 from eip, as it would after an INT3.
  if (!names_breakpoints_) return {};
  return breakpoints_.contains({0, hit->address.value}) ? "swbreak:;" : "hwbreak:;";
}

void GdbStub::ended(int exit_code) {
  if (!connected_) return;
  answer(fmt::format("W{:02x}", exit_code & 0xFF));
  flush();
}

void GdbStub::answer(std::string_view data) { output_ += gdb_packet(data); }

void GdbStub::flush() {
  while (!output_.empty()) {
    const std::size_t taken = channel_->write({reinterpret_cast<const u8*>(output_.data()), output_.size()});
    if (taken == 0) return;
    output_.erase(0, taken);
  }
}

void GdbStub::interests(std::vector<Interest>& list) const { channel_->interests(list, true, !output_.empty()); }

}  // namespace penumbra
