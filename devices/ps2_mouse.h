// A PS/2 mouse (IBM PS/2 Technical Reference, "Mouse"), with the wheel of the IntelliMouse and the packet of the
// IntelliMouse Explorer for drivers that ask for them.
#pragma once

#include <array>
#include <functional>
#include <vector>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/input.h"
#include "core/platform/ps2.h"

namespace penumbra {

// In stream mode a movement larger than a packet holds is spread over several samples, as a hand would have made it. In
// remote mode the counters run between two Read Data commands: they stop at their ends and set the overflow bits.
// A count is a pixel at every resolution.
class Ps2Mouse final : public Device, public Ps2Device, public MousePort {
 public:
  Ps2Mouse(Clock& clock, Trace& trace);

  std::string_view name() const override { return "ps2-mouse"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

  void receive(u8 byte) override;
  bool has_byte() const override { return !replies_.empty() || !packet_.empty(); }
  u8 take_byte() override;
  void byte_read() override;
  void when_waiting(std::function<void()> action) override { waiting_ = std::move(action); }

  void move(i32 dx, i32 dy, i32 wheel) override;
  void button(MouseButton button, bool pressed) override;

 private:
  enum class Identity : u8 { standard = 0, wheel = 3, explorer = 4 };

  void set_defaults();
  void command(u8 byte);
  void parameter(u8 command, u8 byte);
  void set_sample_rate(u8 rate);
  void refuse();
  void clear_motion();
  bool reporting() const { return stream_ && enabled_ && !wrap_; }
  bool has_news() const { return dx_ || dy_ || wheel_ || buttons_changed_; }
  // Starts a packet if one is due.
  void report();
  void append_packet(std::vector<u8>& to);
  i32 take_axis(i32& counter, bool& overflow, u8& flags, u8 sign_flag, u8 overflow_flag);
  i32 scaled(i32 counts) const;

  Clock& clock_;
  Trace& trace_;
  std::function<void()> waiting_;
  Timer sample_;  // armed while the next packet must wait

  Identity identity_ = Identity::standard;
  bool stream_ = true;
  bool wrap_ = false;
  bool enabled_ = false;
  bool scaling_2_to_1_ = false;
  u8 resolution_ = 2;  // 4 counts a millimetre
  u8 sample_rate_ = 100;
  std::array<u8, 3> last_rates_{};  // how drivers ask for another identity
  u8 awaited_ = 0;                  // the command whose parameter comes next, or 0
  bool refused_ = false;            // the last byte was answered with FEh
  u8 last_sent_ = 0;

  i32 dx_ = 0;  // to the right
  i32 dy_ = 0;  // up
  i32 wheel_ = 0;
  bool x_overflow_ = false;
  bool y_overflow_ = false;
  u8 buttons_ = 0;  // as in a packet: left, right, middle
  u8 clicked_ = 0;  // pressed since the last packet, even if released already
  bool buttons_changed_ = false;

  std::vector<u8> replies_;
  std::vector<u8> packet_;  // what is left of the packet being sent
};

}  // namespace penumbra
