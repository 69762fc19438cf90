// The processor's slow path to memory: segment checks, page walks, TLB fills, page-crossing and MMIO accesses.
#include <algorithm>

#include "core/cpu/cpu.h"

namespace penumbra {

namespace {

// SDM 3A table 6-7, by the operand's size. 16-byte operands have rules of their own, and those that need no alignment
// need not have it checked either (SDM 2, MOVDQU).
u32 alignment_of(u32 bytes) {
  switch (bytes) {
    case 2:
    case 14:
    case 94: return 2;  // 16-bit x87 environment and state
    case 4:
    case 6:
    case 28:
    case 108: return 4;  // the same in 32 bits; descriptor table registers
    case 8:
    case 10: return 8;
    default: return 1;
  }
}

}  // namespace

PagingMode Cpu::paging_mode() const {
  PagingMode mode;
  mode.paging = cr0 & cr0::PG;
  mode.pse = cr4 & cr4::PSE;
  mode.pae = cr4 & cr4::PAE;
  mode.write_protect = cr0 & cr0::WP;
  mode.no_execute = efer & efer::NXE;
  mode.cr3 = cr3;
  mode.pdpte = pdpte;
  mode.physical_bits = static_cast<u8>(model_.physical_bits());
  return mode;
}

void Cpu::flush_tlb() {
  for (Tlb& tlb : *tlbs_) tlb.flush();
  for (auto& table : fetch_) table.fill({});
  large_regions_.fill(false);
  fetched_.reset();
  ++map_epoch_;
  if (rehearsal_) rehearsal_->flush();
  if (listener_) listener_->all_dropped();
}

void Cpu::flush_tlb_for_cr3() {
  const bool keep_global = cr4 & cr4::PGE;
  for (Tlb& tlb : *tlbs_) keep_global ? tlb.flush_local() : tlb.flush();
  for (auto& table : fetch_)
    for (FetchEntry& entry : table)
      if (!keep_global || !entry.global) entry = {};
  if (rehearsal_) rehearsal_->flush();
  ++map_epoch_;
  if (listener_) keep_global ? listener_->local_dropped() : listener_->all_dropped();
}

void Cpu::flush_page(u32 linear) {
  // INVLPG of a large page must drop all of it (SDM 3A 4.10.4.1).
  const bool large = large_regions_[linear >> 22];
  for (Tlb& tlb : *tlbs_) large ? tlb.flush_region(linear) : tlb.flush_page(linear);
  if (rehearsal_) rehearsal_->flush_page(linear, large);
  for (auto& table : fetch_) {
    if (large) table.fill({});
    table[(linear >> kPageShift) % table.size()] = {};
  }
  const bool code = large || fetched_[linear >> kPageShift];
  if (code) ++map_epoch_;
  const u32 page = linear >> kPageShift;
  if (listener_) large ? listener_->pages_dropped(page & ~1023u, 1024, code) : listener_->pages_dropped(page, 1, code);
}

void Cpu::update_mode() {
  const bool alignment = (cr0 & cr0::AM) && (flags.rest & eflags::AC) && cpl == 3;
  const bool watching = debug_registers_active() || !watchpoints_.empty();
  tlb_ = alignment || watching ? no_tlb_.get() : &tlb_for(privilege());
  single_ = (flags.rest & (eflags::TF | eflags::RF)) || watching || !breakpoints_.empty() ||
            pins_.trace.on(Channel::instructions);
}

void Cpu::set_cpl(u8 new_cpl) {
  if (cpl == new_cpl) return;
  cpl = new_cpl;
  update_mode();
}

void Cpu::flags_changed() {
  update_mode();
  if ((flags.rest & eflags::IF) && pins_.interrupts.pending()) stop_soon();
}

bool Cpu::segment_allows(unsigned seg, u32 offset, u32 bytes, bool write) {
  const Segment& s = segment[seg];
  if (u64{offset} + bytes <= (write ? s.write_end : s.read_end)) return true;
  bool allowed = s.usable() && (write ? s.writable() : s.readable()) && s.expand_down();
  if (allowed) {
    const u32 top = s.big ? 0xFFFF'FFFF : 0xFFFF;
    allowed = offset > s.limit && u64{offset} + bytes - 1 <= top;
  }
  if (allowed) return true;
  fault_ = {seg == SS ? Vector::SS : Vector::GP, 0};
  return false;
}

bool Cpu::alignment_allows(u32 linear, u32 bytes) {
  if (!(cr0 & cr0::AM) || !(flags.rest & eflags::AC) || cpl != 3) return true;
  if ((linear & (alignment_of(bytes) - 1)) == 0) return true;
  fault_ = {Vector::AC, 0};
  return false;
}

bool Cpu::translate_page(u32 linear, Access access, Privilege who, PhysAddr& page) {
  if (rehearsing()) return rehearsed_page(linear, access, who, page);
  const bool rehearsed = rehearsal_ && rehearsal_->walking;
  const Translation t =
      walk(pins_.memory, paging_mode(), LinearAddr(linear), access, who, rehearsed ? &rehearsal_->marked : nullptr);
  if (!t.ok) {
    cr2 = linear;
    fault_ = {Vector::PF, t.error_code};
    return false;
  }
  page = PhysAddr(t.page.value & pins_.memory.a20_mask());
  note_translation(linear, t);
  const Ppn ppn = page_of(page);
  const u8* readable = pins_.memory.readable(ppn);
  u8* writable = pins_.memory.writable(ppn);
  if (readable) {
    const bool same = writable == readable;
    (*tlbs_)[who == Privilege::user].fill(linear, const_cast<u8*>(readable),
                                          t.writable && same && !pins_.memory.watched(ppn), t.global);
  }
  return true;
}

bool Cpu::translate(u32 linear, u32 bytes, Access access, Privilege who, Span& span) {
  const u32 offset = linear & kPageMask;
  span.first_bytes = std::min(bytes, kPageSize - offset);
  PhysAddr page;
  if (!translate_page(linear, access, who, page)) return false;
  span.first = page + offset;
  if (span.first_bytes < bytes) {
    if (!translate_page(linear + span.first_bytes, access, who, page)) return false;
    span.second = page;
  }
  return true;
}

u64 Cpu::read_physical(PhysAddr address, u32 bytes) {
  u64 value = 0;
  if (const u8* page = pins_.memory.readable(page_of(address))) {
    std::memcpy(&value, page + (address.value & kPageMask), bytes);
    return value;
  }
  for (u32 done = 0; done < bytes;) {
    const u32 left = bytes - done;
    const Width width = left >= 4 ? Width::dword : left >= 2 ? Width::word : Width::byte;
    value |= u64{pins_.memory.access_read(address + done, width)} << (8 * done);
    done += bytes_of(width);
  }
  return value;
}

void Cpu::write_physical(PhysAddr address, u64 value, u32 bytes) {
  const Ppn ppn = page_of(address);
  if (u8* page = pins_.memory.writable(ppn)) {
    u8* host = page + (address.value & kPageMask);
    if (rehearsing()) rehearsal_->note(address, host, bytes);
    if (pins_.memory.watched(ppn)) watched_page_written(address, bytes);
    std::memcpy(host, &value, bytes);
    return;
  }
  for (u32 done = 0; done < bytes;) {
    const u32 left = bytes - done;
    const Width width = left >= 4 ? Width::dword : left >= 2 ? Width::word : Width::byte;
    pins_.memory.access_write(address + done, width, static_cast<u32>(value >> (8 * done)));
    done += bytes_of(width);
  }
}

Loaded<u64> Cpu::load_slow(unsigned seg, u32 offset, u32 bytes) {
  if (!segment_allows(seg, offset, bytes, false)) return {0, false};
  const u32 linear = segment[seg].base + offset;
  if (!alignment_allows(linear, bytes)) return {0, false};
  Span span;
  if (!translate(linear, bytes, Access::read, privilege(), span)) return {0, false};
  if (tlb_ == no_tlb_.get()) note_data_access(linear, bytes, false);
  u64 value = read_physical(span.first, span.first_bytes);
  if (span.first_bytes < bytes) value |= read_physical(span.second, bytes - span.first_bytes) << (8 * span.first_bytes);
  return {value, true};
}

Loaded<u64> Cpu::load_for_write(unsigned seg, u32 offset, u32 bytes) {
  if (!segment_allows(seg, offset, bytes, true) || !segment_allows(seg, offset, bytes, false)) return {0, false};
  const u32 linear = segment[seg].base + offset;
  if (!alignment_allows(linear, bytes)) return {0, false};
  Span span;
  if (!translate(linear, bytes, Access::write, privilege(), span)) return {0, false};
  if (tlb_ == no_tlb_.get()) note_data_access(linear, bytes, false);
  u64 value = read_physical(span.first, span.first_bytes);
  if (span.first_bytes < bytes) value |= read_physical(span.second, bytes - span.first_bytes) << (8 * span.first_bytes);
  return {value, true};
}

bool Cpu::store_slow(unsigned seg, u32 offset, u64 value, u32 bytes) {
  if (!segment_allows(seg, offset, bytes, true)) return false;
  const u32 linear = segment[seg].base + offset;
  if (!alignment_allows(linear, bytes)) return false;
  Span span;
  if (!translate(linear, bytes, Access::write, privilege(), span)) return false;
  if (tlb_ == no_tlb_.get()) note_data_access(linear, bytes, true);
  write_physical(span.first, value, span.first_bytes);
  if (span.first_bytes < bytes) write_physical(span.second, value >> (8 * span.first_bytes), bytes - span.first_bytes);
  return true;
}

u64 Cpu::read_linear(u32 linear, u32 bytes, Privilege who) {
  if (const u8* host = tlb_for(who).read(linear, bytes)) {
    u64 value = 0;
    std::memcpy(&value, host, bytes);
    return value;
  }
  Span span;
  if (!translate(linear, bytes, Access::read, who, span)) throw fault_;
  u64 value = read_physical(span.first, span.first_bytes);
  if (span.first_bytes < bytes) value |= read_physical(span.second, bytes - span.first_bytes) << (8 * span.first_bytes);
  return value;
}

void Cpu::write_linear(u32 linear, u64 value, u32 bytes, Privilege who) {
  if (u8* host = tlb_for(who).write(linear, bytes)) {
    std::memcpy(host, &value, bytes);
    return;
  }
  Span span;
  if (!translate(linear, bytes, Access::write, who, span)) throw fault_;
  write_physical(span.first, value, span.first_bytes);
  if (span.first_bytes < bytes) write_physical(span.second, value >> (8 * span.first_bytes), bytes - span.first_bytes);
}

void Cpu::check_linear_write(u32 linear, u32 bytes, Privilege who) {
  Span span;
  if (!translate(linear, bytes, Access::write, who, span)) throw fault_;
}

bool Cpu::accessible(unsigned seg, u32 offset, u32 bytes, Access access, Span& span) {
  if (!segment_allows(seg, offset, bytes, access == Access::write)) return false;
  const u32 linear = segment[seg].base + offset;
  if (!alignment_allows(linear, bytes)) return false;
  return translate(linear, bytes, access, privilege(), span);
}

void Cpu::check_write(unsigned seg, u32 offset, u32 bytes) {
  Span span;
  if (!accessible(seg, offset, bytes, Access::write, span)) throw fault_;
}

void Cpu::check_read(unsigned seg, u32 offset, u32 bytes) {
  Span span;
  if (!accessible(seg, offset, bytes, Access::read, span)) throw fault_;
}

// Calls `part(address, done, count)` for pieces of up to 8 bytes, none of which leaves its page.
template <class Part>
void Cpu::in_parts(const Span& span, u32 bytes, Part part) {
  for (u32 done = 0; done < bytes;) {
    const bool first = done < span.first_bytes;
    const u32 left = (first ? span.first_bytes : bytes) - done;
    const u32 count = left >= 8 ? 8 : left >= 4 ? 4 : left >= 2 ? 2 : 1;
    part(first ? span.first + done : span.second + (done - span.first_bytes), done, count);
    done += count;
  }
}

bool Cpu::load_bytes_slow(unsigned seg, u32 offset, void* to, u32 bytes) {
  Span span;
  if (!accessible(seg, offset, bytes, Access::read, span)) return false;
  if (tlb_ == no_tlb_.get()) note_data_access(segment[seg].base + offset, bytes, false);
  in_parts(span, bytes, [&](PhysAddr address, u32 done, u32 count) {
    const u64 value = read_physical(address, count);
    std::memcpy(static_cast<u8*>(to) + done, &value, count);
  });
  return true;
}

bool Cpu::store_bytes_slow(unsigned seg, u32 offset, const void* from, u32 bytes) {
  Span span;
  if (!accessible(seg, offset, bytes, Access::write, span)) return false;
  if (tlb_ == no_tlb_.get()) note_data_access(segment[seg].base + offset, bytes, true);
  in_parts(span, bytes, [&](PhysAddr address, u32 done, u32 count) {
    u64 value = 0;
    std::memcpy(&value, static_cast<const u8*>(from) + done, count);
    write_physical(address, value, count);
  });
  return true;
}

void Cpu::read_bytes(unsigned seg, u32 offset, void* to, u32 bytes) {
  const Segment& s = segment[seg];
  if (u64{offset} + bytes <= s.read_end) [[likely]] {
    if (const u8* host = tlb_->read(s.base + offset, bytes)) [[likely]] {
      std::memcpy(to, host, bytes);
      return;
    }
  }
  if (!load_bytes_slow(seg, offset, to, bytes)) throw fault_;
}

void Cpu::write_bytes(unsigned seg, u32 offset, const void* from, u32 bytes) {
  const Segment& s = segment[seg];
  if (u64{offset} + bytes <= s.write_end) [[likely]] {
    if (u8* host = tlb_->write(s.base + offset, bytes)) [[likely]] {
      std::memcpy(host, from, bytes);
      return;
    }
  }
  if (!store_bytes_slow(seg, offset, from, bytes)) throw fault_;
}

u8* Cpu::plain_memory(u32 linear, bool write) {
  if (tlb_ == no_tlb_.get()) return nullptr;
  return write ? tlb_->write(linear, 1) : tlb_->read(linear, 1);
}

bool Cpu::fetch_page(u32 linear, PhysAddr& page) {
  FetchEntry& entry = fetch_[cpl == 3][(linear >> kPageShift) % fetch_[0].size()];
  const u32 tag = linear & ~kPageMask;
  if (entry.linear != tag) {
    const Translation t = walk(pins_.memory, paging_mode(), LinearAddr(linear), Access::fetch, privilege());
    if (!t.ok) {
      cr2 = linear;
      fault_ = {Vector::PF, t.error_code};
      return false;
    }
    entry = {tag, PhysAddr(t.page.value & pins_.memory.a20_mask()), t.global};
    note_translation(linear, t);
  }
  fetched_[linear >> kPageShift] = true;
  page = entry.physical;
  return true;
}

bool Cpu::code_page(u32 linear, PhysAddr& page, bool& global) {
  const u32 cr2_before = cr2;
  if (!fetch_page(linear, page)) {
    cr2 = cr2_before;  // the interpreter will raise the fault
    return false;
  }
  global = fetch_[cpl == 3][(linear >> kPageShift) % fetch_[0].size()].global;
  return true;
}

bool Cpu::still_code_page(u32 linear, u64 physical, bool& global) const {
  const Translation t = probe(pins_.memory, paging_mode(), LinearAddr(linear));
  global = t.global;
  return t.ok && t.accessed && t.executable && (cpl != 3 || t.user) &&
         (t.page.value & pins_.memory.a20_mask()) == physical;
}

void Cpu::load_pdptes(u32 new_cr0, u32 new_cr3, u32 new_cr4) {
  if (!(new_cr0 & cr0::PG) || !(new_cr4 & cr4::PAE)) return;
  std::array<u64, 4> entries;
  const u64 reserved = ~((u64{1} << model_.physical_bits()) - 1) | 0x1E6;
  for (unsigned n = 0; n < 4; ++n) {
    entries[n] = pins_.memory.load<u64>(PhysAddr((new_cr3 & ~u32{31}) + 8 * n));
    if ((entries[n] & 1) && (entries[n] & reserved)) raise_gp();
  }
  pdpte = entries;
}

bool Cpu::debug_page(u32 linear, PhysAddr& physical) const {
  const Translation t = probe(pins_.memory, paging_mode(), LinearAddr(linear));
  physical = PhysAddr(t.page.value & pins_.memory.a20_mask()) + (linear & kPageMask);
  return t.ok;
}

bool Cpu::debug_read(u32 linear, std::span<u8> to) {
  while (!to.empty()) {
    PhysAddr physical;
    if (!debug_page(linear, physical)) return false;
    const std::size_t count = std::min<std::size_t>(to.size(), kPageSize - (linear & kPageMask));
    pins_.memory.read(physical, to.first(count));
    to = to.subspan(count);
    linear += static_cast<u32>(count);
  }
  return true;
}

bool Cpu::debug_write(u32 linear, std::span<const u8> from) {
  while (!from.empty()) {
    PhysAddr physical;
    if (!debug_page(linear, physical)) return false;
    const std::size_t count = std::min<std::size_t>(from.size(), kPageSize - (linear & kPageMask));
    pins_.memory.write(physical, from.first(count));
    from = from.subspan(count);
    linear += static_cast<u32>(count);
  }
  return true;
}

}  // namespace penumbra
