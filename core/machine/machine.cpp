// Running the board: time slices, idle sleep, and what devices ask for between instructions.
#include "core/machine/machine.h"

#include <time.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/machine/file.h"
#include "core/machine/multiboot.h"
#include "core/machine/pc_board.h"
#include "devices/fw_cfg_items.h"
#include "devices/medium.h"
#include "translator/translator.h"

namespace penumbra {

namespace {

// A slice without a nearer timer, in instructions, or in nanoseconds of emitted code: short enough that input and late
// timers are not felt.
constexpr i64 kSlice = 50'000;
constexpr i64 kLongestSlice = 1'000'000;
constexpr i64 kShortestSlice = 200;
constexpr i64 kIcountEpoch = 946684800;  // 2000-01-01

const CpuModel& checked_model(const MachineConfig& config) {
  const CpuModel* model = cpu_model_named(config.cpu);
  if (!model) throw ConfigError(fmt::format("--cpu {}: expected one of {}", config.cpu, cpu_model_names()));
  return *model;
}

const MachineConfig& checked(const MachineConfig& config) {
  checked_model(config);
  if (config.memory_bytes < (1 << 20) || config.memory_bytes > u64{60} << 30 || (config.memory_bytes & kPageMask))
    throw ConfigError(fmt::format("--memory: {} bytes; expected 1M to 60G in whole pages", config.memory_bytes));
  for (const char letter : config.boot_order)
    if (letter != 'a' && letter != 'c' && letter != 'd')
      throw ConfigError(
          fmt::format("--boot {}: '{}' is none of a (floppy), c (hard disk), d (CD)", config.boot_order, letter));
  if (config.kernel.empty() && (!config.initrd.empty() || !config.append.empty()))
    throw ConfigError("--initrd and --append need --kernel");
  return config;
}

}  // namespace

struct Machine::Impl {
  Impl(const MachineConfig& c, Trace& trace)
      : config(checked(c)), clock(make_clock()), board(config, checked_model(config), *clock, trace) {
    clock->on_earlier_deadline([this] {
      if (clock->next_deadline() < slice_end) board.cpu.stop_for_owner();
    });
    if (config.engine != EngineKind::interpreter) {
      if (config.icount && config.engine == EngineKind::translator)
        throw ConfigError("--icount needs --engine interpreter or lockstep: emitted code counts no instructions");
      TranslatorOptions options = config.translator;
      options.lockstep = config.engine == EngineKind::lockstep;
      std::string why_not;
      if (Translator::supported(why_not))
        translator = std::make_unique<Translator>(board.cpu, board.memory, options);
      else
        fmt::print(stderr, "note: no translator here ({}); the interpreter takes its place\n", why_not);
    }
    if (translator && config.translator.mmu == MmuKind::windows && !Translator::missing().empty())
      fmt::print(stderr, "note: {}\n", Translator::missing());
    if (!config.kernel.empty()) load_kernel();
  }

  // Emitted code is not counted; whoever asked for a number of instructions gets the interpreter.
  enum class Count : u8 { estimated, exact };
  RunEnd execute(Ticks until, i64 limit, Count count) {
    slice_end = clock->now() + (icount_clock ? time_left(until) : std::min(time_left(until), kLongestSlice));
    const RunEnd end = execute_slice(until, limit, count);
    slice_end = kNotRunning;
    return end;
  }
  RunEnd execute_slice(Ticks until, i64 limit, Count count) {
    if (translator && count == Count::estimated) {
      const i64 budget = config.engine == EngineKind::lockstep ? slice(until) : kSlice;
      return translator->run(static_cast<u64>(std::min(budget, limit)), std::min(time_left(until), kLongestSlice));
    }
    return board.cpu.run(static_cast<u64>(std::min(slice(until), limit)));
  }
  u64 instructions() const { return translator ? translator->instructions() : board.cpu.instructions(); }

  std::unique_ptr<MachineClock> make_clock() {
    const i64 epoch = config.rtc_epoch.value_or(config.icount ? kIcountEpoch : static_cast<i64>(time(nullptr)));
    if (!config.icount) return std::make_unique<HostClock>(epoch);
    auto made = std::make_unique<InstructionClock>(epoch, config.icount_nanoseconds,
                                                   [this] { return cpu_exists ? instructions() : 0; });
    icount_clock = made.get();
    return made;
  }

  void load_kernel() {
    const std::vector<u8> kernel = read_file(config.kernel, "a bzImage or a multiboot kernel", u64{1} << 30);
    if (is_multiboot(kernel)) {
      std::vector<MultibootModule> modules;
      for (const std::string& entry : config.initrd) {
        const std::string path = entry.substr(0, entry.find(' '));
        modules.push_back({read_file(path, "a multiboot module", u64{2} << 30), entry});
      }
      const MultibootEntry start = load_multiboot(board.memory, kernel, config.kernel, config.append, modules);
      std::vector<u8> words(8);
      store<u32>(words.data(), start.entry);
      store<u32>(words.data() + 4, start.info);
      board.fw_cfg.add_file("penumbra/multiboot", std::move(words));
      return;
    }
    std::vector<u8> initrd;
    if (config.initrd.size() > 1) throw ConfigError("--initrd: a Linux kernel takes one initial RAM disk");
    if (!config.initrd.empty()) initrd = read_file(config.initrd[0], "an initial RAM disk", u64{2} << 30);
    add_linux(board.fw_cfg, kernel, config.kernel, std::move(initrd), config.append);
  }

  i64 time_left(Ticks until) const {
    return std::min<i64>(std::min(clock->next_deadline(), until) - clock->now(), seconds(1).value);
  }
  // How many instructions to run before time is looked at again.
  i64 slice(Ticks until) const {
    const i64 left = time_left(until);
    if (left <= 0) return 1;
    if (icount_clock) {
      const i64 each = icount_clock->nanoseconds_per_instruction();
      return std::max<i64>((left + each - 1) / each, 1);
    }
    return std::clamp<i64>(static_cast<i64>(static_cast<double>(left) * speed), kShortestSlice, kSlice);
  }

  // One slice or one sleep. `limit` bounds the instructions.
  std::optional<Stop> turn(Ticks until, i64 limit, int wake_file, Count count,
                           const std::function<void()>& before_sleep = {}) {
    clock->run_due();
    const Ticks before = clock->now();
    const u64 executed = instructions();
    RunEnd end;
    woken = false;
    try {
      end = execute(until, limit, count);
    } catch (const EnginesDiffer& difference) {
      return Stop{StopReason::engines_differ, 0, difference.what()};
    }
    const Ticks after = clock->now();
    const u64 done = instructions() - executed;
    if (!icount_clock && done > 1000 && after > before) {
      const double now = static_cast<double>(done) / static_cast<double>(after - before);
      speed += (now - speed) * 0.1;
    }
    busy_time += after - before;
    if (board.requests.any())
      if (std::optional<Stop> stop = serve_requests()) return stop;
    switch (end) {
      case RunEnd::halted:
        if (before_sleep) before_sleep();
        woken = clock->wait_until(clock->next_deadline(), until, wake_file);
        break;
      case RunEnd::shutdown: return triple_fault();
      case RunEnd::breakpoint: return Stop{StopReason::breakpoint, 0, ""};
      default: break;
    }
    return std::nullopt;
  }

  std::optional<Stop> serve_requests() {
    const BoardRequests asked = board.requests;
    board.requests = {};
    if (asked.debug_exit)
      return Stop{StopReason::debug_exit, *asked.debug_exit, "the guest wrote to the debug exit port"};
    if (asked.power_off) return Stop{StopReason::powered_off, 0, "the guest switched the power off"};
    if (config.no_reboot) return Stop{StopReason::reset, 0, "the guest asked for a reset"};
    if (asked.reset_board) {
      board.reset(Reset::hard);
    } else {
      board.cpu.reset();
      board.cpu.apic_base = board.local_apic.base_msr();
    }
    return std::nullopt;
  }

  std::optional<Stop> triple_fault() {
    const std::string where =
        fmt::format("triple fault at {:04x}:{:08x}", board.cpu.segment[CS].selector, board.cpu.eip);
    if (config.no_reboot) return Stop{StopReason::triple_fault, 0, where};
    board.reset(Reset::hard);
    return std::nullopt;
  }

  MachineConfig config;
  InstructionClock* icount_clock = nullptr;
  bool cpu_exists = false;
  static constexpr Ticks kNotRunning{0};
  Ticks slice_end = kNotRunning;  // as it was when it began
  double speed = 0.05;            // instructions a nanosecond, as lately seen
  bool woken = false;             // by the wake file, in the last turn
  i64 busy_time = 0;              // nanoseconds since power-on in which the CPU was not halted
  std::unique_ptr<MachineClock> clock;
  PcBoard board;
  std::unique_ptr<Translator> translator;
};

Machine::Machine(const MachineConfig& config, Trace& trace) : impl_(std::make_unique<Impl>(config, trace)) {
  impl_->cpu_exists = true;
}
Machine::~Machine() = default;

std::optional<Stop> Machine::run_for(Ticks host_time, int wake_file, Ticks idle_time,
                                     const std::function<void()>& before_sleep) {
  Impl& m = *impl_;
  m.clock->resume();
  const Ticks until = m.clock->now() + std::max(host_time, idle_time).value;
  const i64 busy_until = m.busy_time + host_time.value;
  std::optional<Stop> stop;
  do {
    stop = m.turn(until, kSlice, wake_file, Impl::Count::estimated, before_sleep);
  } while (!stop && !m.woken && m.busy_time < busy_until && m.clock->now() < until);
  m.clock->pause();
  return stop;
}

std::optional<Stop> Machine::run_instructions(u64 count) {
  impl_->clock->resume();
  const u64 end = impl_->instructions() + count;
  std::optional<Stop> stop;
  while (!stop && impl_->instructions() < end) {
    const u64 before = impl_->instructions();
    stop = impl_->turn(kNever, static_cast<i64>(end - before), -1, Impl::Count::exact);
    // A halted CPU waits for its next event within the step; with nothing to wait for, the step ends.
    if (impl_->board.cpu.halted && impl_->instructions() == before && impl_->clock->next_deadline() == kNever) break;
  }
  impl_->clock->pause();
  return stop;
}

void Machine::reset() { impl_->board.reset(Reset::hard); }
void Machine::power_button() { impl_->board.power.power_button(); }

Cpu& Machine::cpu() { return impl_->board.cpu; }
GuestMemory& Machine::memory() { return impl_->board.memory; }
PortBus& Machine::ports() { return impl_->board.ports; }
Clock& Machine::clock() { return *impl_->clock; }
PcBoard& Machine::board() { return impl_->board; }
Display& Machine::display() { return impl_->board.vga; }
KeyboardPort& Machine::keyboard() { return impl_->board.keyboard; }
MousePort& Machine::mouse() { return impl_->board.mouse; }
CharacterPort& Machine::serial(unsigned index) { return index == 0 ? impl_->board.com1 : impl_->board.com2; }
CharacterPort& Machine::parallel() { return impl_->board.lpt1; }
CharacterPort& Machine::debug_console() { return impl_->board.debug_console; }

void Machine::change_floppy(unsigned drive, const DriveConfig& medium) {
  impl_->board.floppy.change_medium(drive, medium.path.empty() ? nullptr : open_medium(medium.path, medium.read_only));
}

void Machine::change_cdrom(unsigned drive, const DriveConfig& medium) {
  if (!impl_->board.ide.is_cdrom(drive)) throw ConfigError(fmt::format("IDE drive {} is not a CD drive", drive));
  impl_->board.ide.change_medium(drive, medium.path.empty() ? nullptr : open_medium(medium.path, true));
}

std::vector<EventCount> Machine::engine_counts() const {
  return impl_->translator ? impl_->translator->counts() : std::vector<EventCount>();
}
bool Machine::counts_instructions() const { return !impl_->translator || impl_->config.engine == EngineKind::lockstep; }
u64 Machine::instructions() const { return impl_->instructions(); }

u64 Machine::state_hash() {
  StateHasher hasher;
  impl_->board.visit(hasher);
  impl_->board.memory.ram().for_each_data([&](u64 offset, std::span<const u8> bytes) {
    // Pages of zeros may be allocated or not: only what holds something counts.
    for (std::size_t at = 0; at < bytes.size(); at += kPageSize) {
      const auto page = bytes.subspan(at, std::min<std::size_t>(kPageSize, bytes.size() - at));
      if (std::all_of(page.begin(), page.end(), [](u8 b) { return b == 0; })) continue;
      u64 where = offset + at;
      hasher.scalar("page", where, sizeof where);
      hasher.blob("bytes", {const_cast<u8*>(page.data()), page.size()});
    }
  });
  return hasher.hash();
}

double Machine::busy_fraction() const {
  const i64 now = impl_->clock->now().value;
  return now ? static_cast<double>(impl_->busy_time) / static_cast<double>(now) : 0;
}

bool Machine::disk_active() const {
  const Ticks now = impl_->clock->now();
  const Ticks last = std::max(impl_->board.ide.last_activity(), impl_->board.floppy.last_activity());
  return last.value > 0 && now - last < milliseconds(100).value;
}

}  // namespace penumbra
