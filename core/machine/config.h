// Everything that makes one machine different from another, as the command line and the machine file give it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/log.h"
#include "core/base/types.h"
#include "translator/options.h"

namespace penumbra {

struct DriveConfig {
  std::string path;  // empty: a drive without a medium
  bool cdrom = false;
  bool read_only = false;
};

// What executes guest code.
enum class EngineKind : u8 {
  interpreter,
  translator,
  lockstep,  // the translator, compared with the interpreter block by block
};
inline constexpr const char* kEngineNames = "interpreter translator lockstep";
// `name` is one of these.
constexpr EngineKind engine_named(std::string_view name) {
  if (name == "translator") return EngineKind::translator;
  return name == "lockstep" ? EngineKind::lockstep : EngineKind::interpreter;
}

struct MachineConfig {
  u64 memory_bytes = u64{128} << 20;
  std::string cpu = "p4";  // 486, pentium, p2, p3, p4
  std::string bios;        // a file; empty: Penumbra's own
  std::string vgabios;
  std::array<std::optional<DriveConfig>, 4> ide;     // primary master and slave, secondary master and slave
  std::array<std::optional<DriveConfig>, 2> floppy;  // A:, B:
  std::string boot_order = "acd";                    // tried in turn: a floppy, c hard disk, d CD
  std::string kernel;                                // bzImage, or a multiboot ELF with `modules`
  std::vector<std::string> initrd;                   // one for Linux; each a module (with its arguments) for multiboot
  std::string append;
  EngineKind engine = EngineKind::interpreter;
  TranslatorOptions translator;
  bool icount = false;           // guest time is a function of instructions executed
  u32 icount_nanoseconds = 10;   // guest time an instruction takes under icount
  std::optional<i64> rtc_epoch;  // seconds since 1970; unset: the host's clock, or 2000-01-01 under icount
  bool rtc_local = false;        // the RTC shows local time instead of UTC
  u16 debug_exit_port = 0xF4;    // 0: no debug exit
  bool no_reboot = false;        // a guest's reset ends the run
};

}  // namespace penumbra
