// The guest's page tables, walked as a processor walks them (SDM 3A chapter 4): 32-bit, PSE and PAE, with A/D updates.
#pragma once

#include <array>
#include <vector>

#include "core/base/types.h"
#include "mmu/guest_memory.h"

namespace penumbra {

// The control-register bits that paging depends on.
struct PagingMode {
  bool paging = false;
  bool pse = false;
  bool pae = false;
  bool write_protect = false;
  bool no_execute = false;
  u32 cr3 = 0;
  std::array<u64, 4> pdpte{};
  u8 physical_bits = 36;
};

enum class Access : u8 { read, write, fetch };
enum class Privilege : u8 { supervisor, user };

// Page-fault error code bits (SDM 3A 4.7).
namespace pf {
inline constexpr u32 P = 1, W = 2, U = 4, RSVD = 8, I = 16;
}

struct Translation {
  bool ok = false;
  u32 error_code = 0;      // of the #PF, when not ok
  PhysAddr page{};         // the 4 KiB frame that holds the address, before A20
  bool writable = false;   // by this privilege, and D is set: later writes need no walk
  bool executable = true;  // NX clear
  bool user = true;        // U/S of all levels
  bool global = false;
  bool large = false;    // by a directory entry: 4 MiB, or 2 MiB with PAE
  bool accessed = true;  // A is set at all levels
  bool dirty = true;     // D is set; of `probe`, whose `writable` does not mean that
};

// An entry in which a walk has set A or D, as it was.
struct MarkedEntry {
  PhysAddr at;
  u32 before;  // the low dword
};

// Translates one linear address, setting A (and D for writes) in the guest's tables when the access is allowed, and
// tells which entries it has changed to who asks for them.
Translation walk(GuestMemory& memory, const PagingMode& mode, LinearAddr address, Access access, Privilege privilege,
                 std::vector<MarkedEntry>* marked = nullptr);
// The same without changing anything: for debuggers. Privilege is not checked.
Translation probe(GuestMemory& memory, const PagingMode& mode, LinearAddr address);

}  // namespace penumbra
