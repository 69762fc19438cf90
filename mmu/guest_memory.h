// Guest-physical memory: RAM in one memory file, ROM, device memory and MMIO, and what stands at each page of it.
// Every access that is not the CPU's own (DMA, loaders, debuggers) goes through `read` and `write`.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/bits.h"
#include "core/base/log.h"
#include "core/base/types.h"
#include "core/platform/port_bus.h"
#include "mmu/machine_memory.h"

namespace penumbra {

// A device's registers in physical address space. Accesses are at most 4 bytes and never cross a page.
class MmioHandler {
 public:
  virtual ~MmioHandler() = default;
  virtual u32 mmio_read(PhysAddr address, Width width) = 0;
  virtual void mmio_write(PhysAddr address, Width width, u32 value) = 0;
};

// Told of changes that make cached opinions about memory wrong.
class MemoryObserver {
 public:
  virtual ~MemoryObserver() = default;
  // A watched page was, or is about to be, written by someone else than the CPU, or gives way to other memory.
  virtual void watched_page_written(PhysAddr address, u32 bytes) = 0;
  // What stands at some addresses changed (A20, PAM, a moved BAR): drop every cached translation.
  virtual void memory_map_changed() = 0;
};

// What a guest-physical page is backed by: the PPN -> MPN map's kinds.
enum class PageKind : u8 { absent, private_frame, shared_frame, ballooned, swapped, rom, device_memory, mmio };

class GuestMemory {
 public:
  // RAM below this stays below; the rest starts at 4 GiB, so that PCI and the APICs have their hole.
  static constexpr u64 kLowRamLimit = 0xC000'0000;
  static constexpr u64 kHighRamBase = 0x1'0000'0000;

  // `ram_bytes` is a multiple of the page size, at most 60 GiB. Throws HostError.
  GuestMemory(u64 ram_bytes, Trace& trace);
  ~GuestMemory();
  GuestMemory(const GuestMemory&) = delete;
  GuestMemory& operator=(const GuestMemory&) = delete;

  u64 ram_bytes() const { return ram_bytes_; }
  u64 low_ram_bytes() const { return low_ram_bytes_; }
  u64 high_ram_bytes() const { return ram_bytes_ - low_ram_bytes_; }

  void observe(MemoryObserver* observer) { observer_ = observer; }

  // --- the map; addresses and sizes are page multiples; a later mapping hides an earlier one, and RAM lies below all
  // ---

  // Read-only memory with this content, padded with FFh to whole pages. Writes are ignored.
  void map_rom(PhysAddr first, std::span<const u8> content, std::string name);
  // Memory that belongs to a device (a frame buffer): read and written without the device's help. Must outlive the map.
  void map_device_memory(PhysAddr first, std::span<u8> bytes, std::string name);
  void map_mmio(PhysAddr first, u64 bytes, MmioHandler& handler, std::string name);
  // Removes the latest mapping of that name. Nothing happens if there is none.
  void unmap(std::string_view name);

  // i440FX PAM: for C0000h-FFFFFh, whether reads and writes go to the RAM that lies under ROM and MMIO.
  void set_shadow_ram(PhysAddr first, u64 bytes, bool read_ram, bool write_ram);

  // The A20 gate: off, the CPU's address bit 20 is forced to 0. DMA does not pass the gate.
  void set_a20(bool on);
  bool a20() const { return a20_mask_ == ~u64{0}; }
  u64 a20_mask() const { return a20_mask_; }

  // --- access; any alignment and length; addresses with nothing behind them read FFh and swallow writes ---

  void read(PhysAddr from, std::span<u8> to) const;
  void write(PhysAddr to, std::span<const u8> from);

  template <class T>
  T load(PhysAddr from) const {
    T value;
    const u64 offset = from.value & kPageMask;
    if (const u8* page = readable(page_of(from)); page && offset + sizeof value <= kPageSize) [[likely]] {
      std::memcpy(&value, page + offset, sizeof value);
      return value;
    }
    read(from, {reinterpret_cast<u8*>(&value), sizeof value});
    return value;
  }
  template <class T>
  void store(PhysAddr to, T value) {
    write(to, {reinterpret_cast<const u8*>(&value), sizeof value});
  }

  // --- for the CPU and the MMU ---

  // The page's bytes for reading or writing, or null where an access must go through `mmio_read`/`mmio_write` below.
  const u8* readable(Ppn ppn) const { return ppn.value < page_count_ ? read_pointers_[ppn.value] : nullptr; }
  u8* writable(Ppn ppn) const { return ppn.value < page_count_ ? write_pointers_[ppn.value] : nullptr; }
  PageKind kind(Ppn ppn) const;

  // One access, at most 4 bytes and inside a page, to whatever is there: MMIO, ROM (writes ignored), nothing (all
  // ones).
  u32 access_read(PhysAddr address, Width width);
  void access_write(PhysAddr address, Width width, u32 value);

  // A watched page's writes are reported to the observer: it holds decoded code or a traced table.
  void watch(Ppn ppn, bool on);
  bool watched(Ppn ppn) const { return ppn.value < page_count_ && watched_[ppn.value]; }

  MachineMemory& ram() { return ram_; }

 private:
  struct Region {
    u64 first;
    u64 bytes;
    std::string name;
    PageKind kind;
    MmioHandler* handler = nullptr;
    u8* host = nullptr;
    std::vector<u8> rom;
  };
  struct Shadow {
    bool read_ram = false;
    bool write_ram = false;
  };
  static constexpr u64 kShadowFirst = 0xC0000;
  static constexpr u64 kShadowLast = 0xFFFFF;

  bool is_ram(u64 address) const;
  const Region* region_at(u64 address) const;
  Shadow shadow_at(u64 address) const;
  void add(Region region);
  void rebuild(u64 first, u64 bytes);

  Trace& trace_;
  u64 ram_bytes_;
  u64 low_ram_bytes_;
  u64 page_count_;  // of the arrays below: up to the end of 4 GiB, or of RAM
  MachineMemory ram_;
  HostPages<u8*> read_pointers_;
  HostPages<u8*> write_pointers_;
  HostPages<u8> watched_;
  std::vector<std::unique_ptr<Region>> regions_;  // later ones hide earlier ones
  Shadow shadow_[64];                             // a page each from C0000h
  u64 a20_mask_ = ~u64{0};
  MemoryObserver* observer_ = nullptr;
};

}  // namespace penumbra
