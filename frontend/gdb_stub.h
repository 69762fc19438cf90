// The gdb remote stub: answers gdb's packets about a DebugTarget, and says when the guest may run.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/machine/machine.h"
#include "frontend/debug_target.h"
#include "frontend/gdb_protocol.h"
#include "frontend/host_channel.h"

namespace penumbra {

class GdbStub {
 public:
  struct Actions {
    std::function<void()> reset;
    std::function<void()> kill;
    std::function<void()> gone;                            // gdb left, by detaching or by ending
    std::function<std::string(std::string_view)> monitor;  // a command of `monitor ...`
  };

  // `wait`: the guest starts stopped.
  GdbStub(std::unique_ptr<HostChannel> channel, DebugTarget& target, Actions actions, bool wait);

  // Reads and answers what gdb sent.
  void pump();
  // The guest must not run now.
  bool halted() const { return halted_; }
  // The guest's run ended; a breakpoint or step is reported, anything else ends the session.
  void stopped(const Stop& stop);
  // Tells gdb that the run is over with this exit code.
  void ended(int exit_code);

  void interests(std::vector<Interest>& list) const;

 private:
  void handle(const GdbEvent& event);
  void answer(std::string_view data);
  void flush();
  void disconnected();
  void halt(std::string reason);
  void resume(bool step);

  // The answer to a packet; nothing while the guest runs on its behalf, and an empty one to what we do not know.
  std::optional<std::string> command(std::string_view packet);
  std::string query(std::string_view packet);
  std::string remote_command(std::string_view hex);
  std::string features(std::string_view annex_and_range);
  std::string read_registers();
  std::string write_registers(std::string_view hex);
  std::string read_one_register(std::string_view text);
  std::string write_one_register(std::string_view text);
  std::string read_memory(std::string_view text);
  std::string write_memory(std::string_view text, bool binary);
  std::string breakpoint(std::string_view text, bool insert);
  std::optional<std::string> go_on(std::string_view address, bool step);
  std::optional<std::string> go_on_with(std::string_view actions);
  std::string hit_reason();

  std::unique_ptr<HostChannel> channel_;
  DebugTarget& target_;
  Actions actions_;
  GdbReader reader_;
  std::string output_;
  bool halted_;
  bool connected_ = false;
  bool detached_ = false;  // gdb said goodbye, though its connection is still there
  bool acknowledges_ = true;
  bool names_breakpoints_ = false;                  // gdb understands "swbreak" and "hwbreak"
  std::string reason_ = "T05thread:1;";             // what `?` answers
  std::set<std::pair<unsigned, u32>> breakpoints_;  // gdb's type (0 to 4) and address
};

}  // namespace penumbra
