// The floppy disk controller: an Intel 82077AA in AT mode with two drives.
// Source: Intel 82077AA datasheet (290166), sections 2 (registers), 4 (phases), 5 and 6 (commands and status bytes).
#pragma once

#include <array>
#include <memory>

#include "core/base/log.h"
#include "core/platform/clock.h"
#include "core/platform/device.h"
#include "core/platform/dma.h"
#include "core/platform/irq.h"
#include "core/platform/port_bus.h"
#include "devices/floppy_drive.h"

namespace penumbra {

class Floppy82077 final : public Device, PortHandler {
 public:
  static constexpr unsigned kDrives = 2;

  // Claims 3F0h-3F5h and 3F7h; `irq` is IRQ 6, `dma` channel 2.
  Floppy82077(PortBus& ports, IrqLine& irq, DmaChannel& dma, Clock& clock, Trace& trace);

  // Puts drive 0 or 1 on the cable, before the machine runs; `medium` may be null.
  void attach(unsigned drive, std::unique_ptr<BlockDevice> medium) { drives_[drive].install(std::move(medium)); }
  // Null takes the disk out. Throws ConfigError if there is no such drive.
  void change_medium(unsigned drive, std::unique_ptr<BlockDevice> medium);
  const FloppyDrive& drive(unsigned index) const { return drives_[index]; }
  // The drive's type as CMOS register 10h has it, 0 if there is no such drive.
  u8 cmos_type(unsigned drive) const { return static_cast<u8>(drives_[drive].type()); }
  Ticks last_activity() const { return last_activity_; }

  std::string_view name() const override { return "floppy-82077"; }
  void reset(Reset kind) override;
  void visit(State& state) override;

 private:
  // Drive numbers are two bits; 2 and 3 have nothing behind them.
  static constexpr unsigned kUnits = 4;
  static constexpr unsigned kSectorBytes = FloppyDrive::kSectorBytes;

  enum class Phase : u8 { in_reset, command, execution, result };
  // What the command under way does with sectors.
  enum class Work : u8 {
    none,
    read,
    read_deleted,
    read_track,
    write,
    verify,
    scan_equal,
    scan_low,
    scan_high,
    format,
    read_id
  };
  // What the execution timer waits for.
  enum class Step : u8 { nothing, reset_over, sector, move, fail };

  u32 port_in(u16 port, Width width) override;
  void port_out(u16 port, Width width, u32 value) override;

  // --- registers, phases and interrupts: floppy_82077.cpp ---
  u8 main_status() const;
  void write_dor(u8 value);
  void write_dsr(u8 value);
  u8 read_fifo();
  void write_fifo(u8 value);
  void enter_reset();
  void leave_reset();
  void after(Step step, Ticks time);
  void step_over();
  // Goes on with bytes that waited for the DMA channel or for DOR's gate.
  void resume();
  void set_interrupt(bool level);
  void update_outputs();
  void begin_result(std::initializer_list<u8> bytes, bool interrupt);
  void back_to_command();

  // --- commands: floppy_commands.cpp ---
  static unsigned command_length(u8 opcode);
  void execute();
  void specify();
  void sense_drive();
  void sense_interrupt();
  void recalibrate();
  void seek(int relative);
  void start_seek(unsigned unit, int steps, u8 st0);
  void seek_over(unsigned unit);
  void configure();
  void dump_registers();

  // --- sectors: floppy_transfer.cpp ---
  void begin_work(Work work);
  void sector_due();
  bool locate();
  void move_bytes();
  void moved(bool terminal_count);
  void sector_done(bool terminal_count);
  void format_sector(bool terminal_count);
  bool scan_hit();
  void scan_done(bool terminal_count);
  void read_id();
  void next_sector_id();
  void finish(u8 st0_code);
  void fail(u8 st1, u8 st2);
  bool to_host() const { return work_ == Work::read || work_ == Work::read_deleted || work_ == Work::read_track; }
  bool scanning() const { return work_ == Work::scan_equal || work_ == Work::scan_low || work_ == Work::scan_high; }
  bool uses_data() const { return work_ != Work::verify && work_ != Work::read_id && work_ != Work::none; }
  bool no_dma() const { return specify_[1] & 1; }
  bool data_phase_by_cpu() const { return phase_ == Phase::execution && moving_ && no_dma(); }
  void take_cpu_byte();

  unsigned unit() const { return command_[1] & 3; }
  FloppyDrive* drive_of(unsigned unit) { return unit < kDrives && drives_[unit].present() ? &drives_[unit] : nullptr; }

  IrqLine& irq_;
  DmaChannel& dma_;
  Clock& clock_;
  Trace& trace_;
  std::array<FloppyDrive, kDrives> drives_;
  Timer timer_;
  std::array<Timer, kUnits> seek_timers_;

  // Registers.
  u8 dor_ = 0;
  u8 tdr_ = 0;
  u8 dsr_ = 0;  // bits 1-0 are also CCR's: the data rate
  bool interrupt_ = false;
  Phase phase_ = Phase::in_reset;
  Step step_ = Step::nothing;

  // Bytes of the command and of its result.
  std::array<u8, 9> command_{};
  u8 command_count_ = 0;
  std::array<u8, 10> result_{};
  u8 result_count_ = 0;
  u8 result_position_ = 0;
  bool result_interrupts_ = false;  // its interrupt is up until its first byte is read

  // What commands leave behind.
  std::array<u8, 2> specify_{};    // SRT/HUT, HLT/ND
  std::array<u8, 2> configure_{};  // EIS, EFIFO, POLL, FIFOTHR; PRETRK
  u8 perpendicular_ = 0;
  bool lock_ = false;
  u8 last_eot_ = 0;                   // SC/EOT of DUMPREG
  std::array<u8, kUnits> pcn_{};      // present cylinder numbers
  std::array<u8, kUnits> pending_{};  // ST0 for SENSE INTERRUPT STATUS, by unit; 0: nothing
  bool reset_pending_ = false;        // those are of a reset, which interrupts once for all
  u8 seeking_ = 0;                    // bit by unit: the drive busy bits
  std::array<u8, kUnits> seek_st0_{};

  // The work under way.
  Work work_ = Work::none;
  bool moving_ = false;  // `buffer_` is being emptied or filled
  u8 head_ = 0;
  u8 c_ = 0, h_ = 0, r_ = 0, n_ = 0, eot_ = 0;
  u8 sectors_done_ = 0;
  u8 st1_ = 0, st2_ = 0;
  u8 rotation_ = 0;  // the sector that passes the head at the next READ ID
  std::array<u8, kSectorBytes> buffer_{};
  u16 position_ = 0;
  u16 wanted_ = 0;  // bytes of buffer_ in this step
  Ticks last_activity_{0};
};

}  // namespace penumbra
