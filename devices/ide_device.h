// What ATA and ATAPI drives have in common: the task file, the phases of a command, and a buffer that the data port or
// the bus master empties and fills.
#pragma once

#include <span>
#include <vector>

#include "core/base/log.h"
#include "core/base/state.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"

namespace penumbra {

// The bits of the Status, Error and Device registers (ATA-6 7.15, 7.9, 7.7).
namespace ata {
inline constexpr u8 kBusy = 0x80;
inline constexpr u8 kReady = 0x40;
inline constexpr u8 kDeviceFault = 0x20;
inline constexpr u8 kSeekComplete = 0x10;
inline constexpr u8 kDataRequest = 0x08;
inline constexpr u8 kError = 0x01;

inline constexpr u8 kUncorrectable = 0x40;
inline constexpr u8 kIdNotFound = 0x10;
inline constexpr u8 kAborted = 0x04;
inline constexpr u8 kDiagnosticPassed = 0x01;

inline constexpr u8 kLbaMode = 0x40;
inline constexpr u8 kDeviceSelect = 0x10;

inline constexpr u32 kSectorBytes = 512;
}  // namespace ata

// The registers of one drive. Each half of the 16-bit pairs that 48-bit commands use is named as in ATA-6 6.20: the
// register as written last, and its previous content (HOB).
struct TaskFile {
  struct Pair {
    u8 current = 0;
    u8 previous = 0;
    void push(u8 value) {
      previous = current;
      current = value;
    }
    void put(u16 value) {
      current = static_cast<u8>(value);
      previous = static_cast<u8>(value >> 8);
    }
  };

  Pair features;
  Pair sector_count;
  Pair lba_low;
  Pair lba_mid;
  Pair lba_high;
  u8 device = 0;
  u8 error = 0;
  u8 status = 0;

  void visit(State& state);
};

// The channel as a drive sees it.
class IdeHost {
 public:
  virtual ~IdeHost() = default;
  // INTRQ went up or down.
  virtual void interrupt_changed() = 0;
  // DMARQ: the drive has entered a DMA phase.
  virtual void dma_requested() = 0;
};

class IdeDevice {
 public:
  IdeDevice(Clock& clock, Trace& trace, unsigned unit);
  virtual ~IdeDevice() = default;
  IdeDevice(const IdeDevice&) = delete;
  IdeDevice& operator=(const IdeDevice&) = delete;

  void connect(IdeHost& host) { host_ = &host; }

  TaskFile& registers() { return regs_; }
  const TaskFile& registers() const { return regs_; }
  bool busy() const { return regs_.status & ata::kBusy; }
  // INTRQ, before nIEN.
  bool interrupt() const { return interrupt_; }
  void clear_interrupt();
  Ticks last_activity() const { return last_activity_; }

  // ATAPI rather than ATA.
  virtual bool is_packet_device() const = 0;
  // The Command register was written. EXECUTE DEVICE DIAGNOSTIC does not come here but to `diagnose`.
  virtual void command(u8 value) = 0;
  // Only device 0 interrupts at the end of the diagnostic; both show their signature.
  void diagnose();
  // SRST set, and cleared.
  void hold_in_reset();
  void leave_reset();
  void hardware_reset(Reset kind);

  // The data port. A read without data gives FFFFh, a write that nobody asked for is lost.
  u16 read_word();
  void write_word(u16 value);

  // The bus master's side of a DMA phase: bytes that wait to be taken, or room that waits to be filled. Empty spans:
  // the drive does not (or no longer) want DMA in that direction. `dma_moved` may end the command.
  std::span<const u8> dma_output() const;
  std::span<u8> dma_input();
  void dma_moved(std::size_t bytes);
  bool wants_dma() const { return phase_ == Phase::dma_in || phase_ == Phase::dma_out; }

  virtual void visit(State& state) = 0;

 protected:
  enum class Phase : u8 { idle, busy, data_in, data_out, dma_in, dma_out };
  // What happens when the busy time ends.
  enum class Step : u8 { nothing, execute, next_block, reset_done, diagnostic_done };

  static constexpr std::size_t kMostBuffer = 64 * 1024;
  // Long enough for a guest to leave the code that started a command before its interrupt comes; nothing real is
  // faster. Between blocks a drive's buffer answers at once.
  static constexpr Ticks kCommandTime = microseconds(4);
  static constexpr Ticks kBlockTime = microseconds(1);
  static constexpr Ticks kResetTime = microseconds(40);

  // The end of the busy time: one of Step::execute and Step::next_block.
  virtual void execute() = 0;
  virtual void next_block() = 0;
  // The buffer was emptied or filled to its end, by the data port or by DMA.
  virtual void data_moved() = 0;
  // Registers and settings after a reset; the status a drive shows when the reset is over.
  virtual void put_signature() = 0;
  virtual void settings_reset(bool hardware) = 0;
  virtual u8 status_after_reset() const = 0;

  void go_busy(Step step, Ticks time);
  void raise_interrupt();
  // Opens a data phase on what `buffer_` holds now (a whole number of words, not empty).
  void open_data(Phase phase);
  // Ends the command with this status and an interrupt.
  void finish(u8 status, u8 error);
  // Ends it without one, as PIO reads end.
  void finish_quietly(u8 status);
  void stop_transfer();
  void visit_device(State& state);

  Clock& clock_;
  Trace& trace_;
  const unsigned unit_;
  TaskFile regs_;
  Phase phase_ = Phase::idle;
  std::vector<u8> buffer_;  // at most kMostBuffer

 private:
  void busy_time_over();
  void move(std::size_t bytes);

  IdeHost* host_ = nullptr;
  Timer timer_;
  Step step_ = Step::nothing;
  u32 position_ = 0;  // in buffer_; below its size in every data phase
  bool interrupt_ = false;
  Ticks last_activity_{0};
};

}  // namespace penumbra
