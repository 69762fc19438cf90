// Selecting, reading, and the DMA interface.
#include "devices/fw_cfg.h"

#include <algorithm>

#include "core/base/bits.h"
#include "core/base/error.h"
#include "mmu/guest_memory.h"

namespace penumbra {

namespace {

constexpr u16 kSelector = 0x510;
constexpr u16 kData = 0x511;
constexpr u16 kDmaHigh = 0x514;
constexpr u16 kDmaLow = 0x518;
constexpr std::string_view kDmaSignature = "QEMU CFG";

constexpr u16 kSignatureKey = 0x00;
constexpr u16 kIdKey = 0x01;
constexpr u16 kDirectoryKey = 0x19;
constexpr u16 kFirstFileKey = 0x20;
constexpr std::size_t kMostFiles = 256;
constexpr std::size_t kNameBytes = 56;  // with the 0 at its end
constexpr u16 kWriteBit = 0x4000;       // of a selector; nothing here can be written
constexpr u32 kTraditionalAndDma = 3;

// DMA control word
constexpr u32 kDmaError = 1 << 0;
constexpr u32 kDmaRead = 1 << 1;
constexpr u32 kDmaSkip = 1 << 2;
constexpr u32 kDmaSelect = 1 << 3;
constexpr u32 kDmaWrite = 1 << 4;

// Where guest-physical addresses end: nothing is beyond, and descriptors may not wrap around to find something.
constexpr u64 kPhysicalEnd = u64{1} << 36;

u16 swapped(u16 v) { return static_cast<u16>(v << 8 | v >> 8); }
u32 swapped(u32 v) { return u32{swapped(static_cast<u16>(v))} << 16 | swapped(static_cast<u16>(v >> 16)); }
u64 swapped(u64 v) { return u64{swapped(static_cast<u32>(v))} << 32 | swapped(static_cast<u32>(v >> 32)); }

template <class T>
std::vector<u8> little_endian(T value) {
  std::vector<u8> bytes(sizeof value);
  store(bytes.data(), value);
  return bytes;
}

}  // namespace

FwCfg::FwCfg(PortBus& ports, GuestMemory& memory, Trace& trace) : memory_(memory), trace_(trace) {
  ports.claim({kSelector, kData}, *this, Width::word);
  ports.claim({kDmaHigh, kDmaLow + 3}, *this, Width::dword);
  add_item(kSignatureKey, {'Q', 'E', 'M', 'U'});
  add_u32(kIdKey, kTraditionalAndDma);
  write_directory();
}

// --- contents ---

void FwCfg::add_item(u16 key, std::vector<u8> bytes) { items_[key & ~kWriteBit] = std::move(bytes); }
void FwCfg::add_u16(u16 key, u16 value) { add_item(key, little_endian(value)); }
void FwCfg::add_u32(u16 key, u32 value) { add_item(key, little_endian(value)); }
void FwCfg::add_u64(u16 key, u64 value) { add_item(key, little_endian(value)); }

void FwCfg::add_file(std::string_view name, std::vector<u8> bytes) {
  if (name.empty() || name.size() >= kNameBytes)
    throw ConfigError(fmt::format("fw_cfg: file name '{}' must have 1 to {} characters", name, kNameBytes - 1));
  auto place = std::find(files_.begin(), files_.end(), name);
  if (place == files_.end()) {
    if (files_.size() >= kMostFiles) throw ConfigError(fmt::format("fw_cfg: no room for file '{}'", name));
    place = files_.insert(files_.end(), std::string(name));
  }
  add_item(static_cast<u16>(kFirstFileKey + (place - files_.begin())), std::move(bytes));
  write_directory();
}

// Big-endian: the count, then each file's size, key, two bytes of nothing, and name.
void FwCfg::write_directory() {
  constexpr std::size_t kEntryBytes = 8 + kNameBytes;
  std::vector<u8> directory(4 + files_.size() * kEntryBytes);
  store(directory.data(), swapped(static_cast<u32>(files_.size())));
  for (std::size_t i = 0; i < files_.size(); ++i) {
    const u16 key = static_cast<u16>(kFirstFileKey + i);
    u8* entry = directory.data() + 4 + i * kEntryBytes;
    store(entry, swapped(static_cast<u32>(items_[key].size())));
    store(entry + 4, swapped(key));
    std::copy(files_[i].begin(), files_[i].end(), entry + 8);
  }
  add_item(kDirectoryKey, std::move(directory));
}

// --- state ---

void FwCfg::reset(Reset) {
  select(0);
  dma_address_high_ = 0;
}

void FwCfg::visit(State& state) {
  StateSection section(state, "fw_cfg");
  state.field("key", key_);
  state.field("offset", offset_);
  state.field("dma_address_high", dma_address_high_);
}

// --- the guest's side ---

void FwCfg::select(u16 key) {
  key_ = key & static_cast<u16>(~kWriteBit);
  offset_ = 0;
}

const std::vector<u8>* FwCfg::selected() const {
  const auto found = items_.find(key_);
  return found == items_.end() ? nullptr : &found->second;
}

// Zero beyond an item's end, and for items that do not exist.
u8 FwCfg::next_byte() {
  const std::vector<u8>* item = selected();
  return item && offset_ < item->size() ? (*item)[offset_++] : 0;
}

u32 FwCfg::port_in(u16 port, Width width) {
  if (port == kData && width == Width::byte) return next_byte();
  if (port < kDmaHigh) return all_ones(width);
  u32 value = 0;
  for (unsigned i = 0; i < bytes_of(width); ++i)
    value |= static_cast<u32>(static_cast<u8>(kDmaSignature[port - kDmaHigh + i])) << 8 * i;
  return value;
}

void FwCfg::port_out(u16 port, Width width, u32 value) {
  if (port == kSelector && width == Width::word) {
    select(static_cast<u16>(value));
    trace_.line(Channel::fw_cfg, "select {:04x}", key_);
  } else if (port == kDmaHigh && width == Width::dword) {
    dma_address_high_ = swapped(value);
  } else if (port == kDmaLow && width == Width::dword) {
    const u64 descriptor = u64{dma_address_high_} << 32 | swapped(value);
    dma_address_high_ = 0;
    transfer(descriptor);
  }
}

// A descriptor is control, length and address, big-endian; control is where the answer goes: 0, or the error bit.
void FwCfg::transfer(u64 descriptor) {
  constexpr u64 kDescriptorBytes = 16;
  if (descriptor > kPhysicalEnd - kDescriptorBytes) return;
  const u32 control = swapped(memory_.load<u32>(PhysAddr(descriptor)));
  const u32 length = swapped(memory_.load<u32>(PhysAddr(descriptor + 4)));
  const u64 address = swapped(memory_.load<u64>(PhysAddr(descriptor + 8)));
  if (control & kDmaSelect) select(static_cast<u16>(control >> 16));
  trace_.line(Channel::fw_cfg, "DMA {:08x}: item {:04x}+{:x}, {:x} bytes at {:x}", control, key_, offset_, length,
              address);
  u32 answer = 0;
  if (control & kDmaRead)
    read_to_memory(address, length);
  else if (control & kDmaWrite)
    answer = kDmaError;
  else if (const std::vector<u8>* item = selected(); item && (control & kDmaSkip))
    offset_ = static_cast<u32>(std::min<u64>(u64{offset_} + length, item->size()));
  memory_.store(PhysAddr(descriptor), swapped(answer));
}

void FwCfg::read_to_memory(u64 address, u32 length) {
  u64 left = address < kPhysicalEnd ? std::min<u64>(length, kPhysicalEnd - address) : 0;
  if (const std::vector<u8>* item = selected(); item && offset_ < item->size()) {
    const u64 count = std::min<u64>(left, item->size() - offset_);
    memory_.write(PhysAddr(address), {item->data() + offset_, count});
    offset_ += static_cast<u32>(count);
    address += count;
    left -= count;
  }
  static constexpr std::array<u8, kPageSize> kZeros{};
  while (left) {
    const u64 count = std::min<u64>(left, kZeros.size());
    memory_.write(PhysAddr(address), {kZeros.data(), count});
    address += count;
    left -= count;
  }
}

}  // namespace penumbra
