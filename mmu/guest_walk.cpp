// The walk: one function for both table formats, entry by entry, rights ANDed on the way.
#include "mmu/guest_walk.h"

namespace penumbra {

namespace {

constexpr u64 kPresent = 1, kWritable = 2, kUser = 4, kAccessed = 0x20, kDirty = 0x40, kLarge = 0x80, kGlobal = 0x100;
constexpr u64 kNoExecute = u64{1} << 63;
constexpr u64 kPaeAddress = 0x000F'FFFF'FFFF'F000;

struct Entry {
  PhysAddr at{};
  u64 value = 0;
};

class Walker {
 public:
  Walker(GuestMemory& memory, const PagingMode& mode, LinearAddr address)
      : memory_(memory), mode_(mode), linear_(address.value) {}

  // Reads the entries down to the page. False where one is not present or has a reserved bit set (error_ says which).
  bool descend() { return mode_.pae ? descend_pae() : descend_32(); }

  bool writable() const { return rights_ & kWritable; }
  bool user() const { return rights_ & kUser; }
  bool executable() const { return !no_execute_; }
  bool global() const { return leaf().value & kGlobal; }
  bool large() const { return depth_ == 1; }
  bool accessed() const { return rights_ & kAccessed; }
  bool dirty() const { return leaf().value & kDirty; }
  u32 error() const { return error_; }
  PhysAddr page() const { return page_; }

  // A in every entry used, D in the leaf; only what is missing is written.
  void mark(bool write, std::vector<MarkedEntry>* marked) {
    for (unsigned i = 0; i < depth_; ++i) {
      const bool is_leaf = i + 1 == depth_;
      const u64 wanted = entries_[i].value | kAccessed | (is_leaf && write ? kDirty : 0);
      if (wanted == entries_[i].value) continue;
      if (marked) marked->push_back({entries_[i].at, static_cast<u32>(entries_[i].value)});
      entries_[i].value = wanted;
      // Only the low dword holds A and D in both formats.
      memory_.store<u32>(entries_[i].at, static_cast<u32>(wanted));
    }
  }

 private:
  const Entry& leaf() const { return entries_[depth_ - 1]; }

  bool take(PhysAddr at, u64 value, u64 reserved) {
    if (!(value & kPresent)) return false;
    if (value & reserved) {
      error_ = pf::P | pf::RSVD;
      return false;
    }
    entries_[depth_++] = {at, value};
    rights_ &= value;
    no_execute_ |= mode_.no_execute && (value & kNoExecute);
    return true;
  }

  bool descend_32() {
    const PhysAddr directory(u64{mode_.cr3 & 0xFFFF'F000} + (linear_ >> 22) * 4);
    const u32 pde = memory_.load<u32>(directory);
    if (mode_.pse && (pde & kLarge)) {
      // PSE-36: bits 20:13 are address bits 39:32; bit 21 is reserved, and so are those beyond the physical address.
      const u64 high_bits = u64{bits(pde, 20u, 13u)} << 32;
      const u64 reserved = u64{1} << 21 | (high_bits >> mode_.physical_bits ? kPresent : 0);
      if (!take(directory, pde, reserved)) return false;
      page_ = PhysAddr(high_bits | (pde & 0xFFC0'0000) | (linear_ & 0x003F'F000));
      return true;
    }
    if (!take(directory, pde, 0)) return false;
    const PhysAddr table(u64{pde & 0xFFFF'F000} + bits(linear_, 21u, 12u) * 4);
    const u32 pte = memory_.load<u32>(table);
    if (!take(table, pte, 0)) return false;
    page_ = PhysAddr(pte & 0xFFFF'F000);
    return true;
  }

  bool descend_pae() {
    const u64 beyond = kPaeAddress & ~((u64{1} << mode_.physical_bits) - 1);
    const u64 always = beyond | 0x7FF0'0000'0000'0000 | (mode_.no_execute ? 0 : kNoExecute);
    const u64 pdpte = mode_.pdpte[linear_ >> 30];
    if (!(pdpte & kPresent)) return false;
    const PhysAddr directory((pdpte & kPaeAddress) + bits(linear_, 29u, 21u) * 8);
    const u64 pde = memory_.load<u64>(directory);
    if (pde & kLarge) {
      if (!take(directory, pde, always | 0x001F'E000)) return false;
      page_ = PhysAddr((pde & kPaeAddress & ~u64{0x1F'FFFF}) | (linear_ & 0x001F'F000));
      return true;
    }
    if (!take(directory, pde, always)) return false;
    const PhysAddr table((pde & kPaeAddress) + bits(linear_, 20u, 12u) * 8);
    const u64 pte = memory_.load<u64>(table);
    if (!take(table, pte, always)) return false;
    page_ = PhysAddr(pte & kPaeAddress);
    return true;
  }

  GuestMemory& memory_;
  const PagingMode& mode_;
  const u32 linear_;
  Entry entries_[2];
  unsigned depth_ = 0;
  u64 rights_ = kWritable | kUser | kAccessed;
  bool no_execute_ = false;
  u32 error_ = 0;
  PhysAddr page_{};
};

}  // namespace

Translation walk(GuestMemory& memory, const PagingMode& mode, LinearAddr address, Access access, Privilege privilege,
                 std::vector<MarkedEntry>* marked) {
  Translation result;
  if (!mode.paging) {
    result.ok = result.writable = true;
    result.page = PhysAddr(address.value & ~kPageMask);
    return result;
  }
  const bool user = privilege == Privilege::user;
  const bool write = access == Access::write;
  const bool fetch = access == Access::fetch && mode.no_execute && mode.pae;
  Walker walker(memory, mode, address);
  if (!walker.descend()) {
    result.error_code = walker.error() | (write ? pf::W : 0) | (user ? pf::U : 0) | (fetch ? pf::I : 0);
    return result;
  }
  const bool may_write = walker.writable() || (!user && !mode.write_protect);
  const bool denied = (user && !walker.user()) || (write && !may_write) || (fetch && !walker.executable());
  if (denied) {
    result.error_code = pf::P | (write ? pf::W : 0) | (user ? pf::U : 0) | (fetch ? pf::I : 0);
    return result;
  }
  walker.mark(write, marked);
  result.ok = true;
  result.page = walker.page();
  result.writable = may_write && walker.dirty();
  result.executable = walker.executable();
  result.user = walker.user();
  result.global = walker.global();
  result.large = walker.large();
  return result;
}

Translation probe(GuestMemory& memory, const PagingMode& mode, LinearAddr address) {
  if (!mode.paging) return walk(memory, mode, address, Access::read, Privilege::supervisor);
  Translation result;
  Walker walker(memory, mode, address);
  if (!walker.descend()) return result;
  result.ok = true;
  result.page = walker.page();
  result.writable = walker.writable();
  result.executable = walker.executable();
  result.user = walker.user();
  result.global = walker.global();
  result.large = walker.large();
  result.accessed = walker.accessed();
  result.dirty = walker.dirty();
  return result;
}

}  // namespace penumbra
