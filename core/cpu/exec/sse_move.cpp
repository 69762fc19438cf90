// Moves of XMM registers. They are handlers of their own, so that a page fault costs no exception.
#include "core/cpu/exec/simd.h"

namespace penumbra {

namespace {

void leave_with(Cpu& cpu, const Insn* i, GuestFault fault) {
  cpu.set_fault(fault);
  return cpu.leave_with_fault(i);
}

enum class Alignment : u8 { any, full };

// --- all 16 bytes ---

void copy(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  cpu.xmm[i->dst] = cpu.xmm[i->src];
  return next(cpu, i);
}

template <Alignment alignment>
void load_all(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  const u32 offset = cpu.effective_address(i);
  if (alignment == Alignment::full && misaligned(cpu, *i, offset)) [[unlikely]]
    return leave_with(cpu, i, {Vector::GP, 0});
  if (!cpu.load_bytes_at<16>(i->segment, offset, &cpu.xmm[i->dst])) [[unlikely]]
    return cpu.leave_with_fault(i);
  return next(cpu, i);
}

template <Alignment alignment>
void store_all(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  const u32 offset = cpu.effective_address(i);
  if (alignment == Alignment::full && misaligned(cpu, *i, offset)) [[unlikely]]
    return leave_with(cpu, i, {Vector::GP, 0});
  if (!cpu.store_bytes_at<16>(i->segment, offset, &cpu.xmm[i->src])) [[unlikely]]
    return cpu.leave_with_fault(i);
  return next(cpu, i);
}

template <Alignment alignment>
Handler move_all(const Shape& s) {
  if (s.a == Operand::mem) return store_all<alignment>;
  return s.b == Operand::mem ? load_all<alignment> : copy;
}

// --- parts ---

template <class T>
T& lane(Xmm& value, unsigned n) {
  return reinterpret_cast<T*>(&value)[n];
}

enum class Rest : u8 { kept, zeroed };

template <class T, unsigned n, Rest rest>
void load_lane(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  T value;
  if (!cpu.load_at<T>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
    return cpu.leave_with_fault(i);
  if (rest == Rest::zeroed) cpu.xmm[i->dst] = {};
  lane<T>(cpu.xmm[i->dst], n) = value;
  return next(cpu, i);
}

template <class T, unsigned n>
void store_lane(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  const T value = lane<T>(cpu.xmm[i->src], n);
  if (!cpu.store_at<T>(i->segment, cpu.effective_address(i), value)) [[unlikely]]
    return cpu.leave_with_fault(i);
  return next(cpu, i);
}

template <class T, unsigned to, unsigned from, Rest rest>
void copy_lane(Cpu& cpu, const Insn* i) {
  if (!sse_available(cpu)) [[unlikely]]
    return leave_with(cpu, i, sse_refusal(cpu));
  const T value = lane<T>(cpu.xmm[i->src], from);
  if (rest == Rest::zeroed) cpu.xmm[i->dst] = {};
  lane<T>(cpu.xmm[i->dst], to) = value;
  return next(cpu, i);
}

// MOVSS and MOVSD: loads clear the rest of the register, copies keep it.
template <class T>
Handler move_scalar(const Shape& s) {
  if (s.a == Operand::mem) return store_lane<T, 0>;
  return s.b == Operand::mem ? load_lane<T, 0, Rest::zeroed> : copy_lane<T, 0, 0, Rest::kept>;
}
Handler select_movsd(const Shape& s) {
  return s.a == Operand::none ? rows::select_movsd_string(s) : move_scalar<u64>(s);
}

// MOVLPS, MOVHPS and their doubles: memory only.
template <unsigned n>
Handler move_half(const Shape& s) {
  return s.a == Operand::mem ? store_lane<u64, n> : load_lane<u64, n, Rest::kept>;
}

void movnti(Cpu& cpu, const Insn* i) {
  if (!cpu.store_at<u32>(i->segment, cpu.effective_address(i), src<u32>(cpu, i))) [[unlikely]]
    return cpu.leave_with_fault(i);
  return next(cpu, i);
}

template <Handler handler>
Handler plain(const Shape&) {
  return handler;
}

// --- MOVD and MOVQ, of which MMX registers have their share ---

void movd_to_mm(Cpu& cpu, const Insn& i) {
  begin_mmx(cpu);
  set_mm(cpu, i.dst, source_operand<u32>(cpu, i));
}
// Stores clear TOP even if they fault; tags change with success only.
void movd_from_mm(Cpu& cpu, const Insn& i) {
  begin_mmx(cpu);
  cpu.x87.top = 0;
  set_operand(cpu, i, static_cast<u32>(mm(cpu, i.src)));
  enter_mmx(cpu);
}
void movq_to_mm(Cpu& cpu, const Insn& i) {
  begin_mmx(cpu);
  set_mm(cpu, i.dst, mm_source<8>(cpu, i));
}
void movq_from_mm(Cpu& cpu, const Insn& i) {
  begin_mmx(cpu);
  cpu.x87.top = 0;
  cpu.write<u64>(i.segment, cpu.effective_address(&i), mm(cpu, i.src));
  enter_mmx(cpu);
}
void movd_to_xmm(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  Xmm value{};
  value.dword[0] = src<u32>(cpu, &i);
  cpu.xmm[i.dst] = value;
}
void movd_from_xmm(Cpu& cpu, const Insn& i) {
  begin_sse(cpu);
  dst<u32>(cpu, &i) = cpu.xmm[i.src].dword[0];
}

Handler select_movd(const Shape& s) {
  if (s.a == Operand::mmx) return helper<movd_to_mm>;
  if (s.b == Operand::mmx) return helper<movd_from_mm>;
  if (s.a == Operand::mem) return store_lane<u32, 0>;
  if (s.b == Operand::mem) return load_lane<u32, 0, Rest::zeroed>;
  return s.a == Operand::xmm ? helper<movd_to_xmm> : helper<movd_from_xmm>;
}
Handler select_movq(const Shape& s) {
  if (s.a == Operand::mmx) return helper<movq_to_mm>;
  if (s.b == Operand::mmx) return helper<movq_from_mm>;
  if (s.a == Operand::mem) return store_lane<u64, 0>;
  return s.b == Operand::mem ? load_lane<u64, 0, Rest::zeroed> : copy_lane<u64, 0, 0, Rest::zeroed>;
}

constexpr Row kRows[] = {
    {ZYDIS_MNEMONIC_MOVAPS, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVAPD, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVDQA, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVNTPS, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVNTPD, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVNTDQ, move_all<Alignment::full>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVUPS, move_all<Alignment::any>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVUPD, move_all<Alignment::any>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVDQU, move_all<Alignment::any>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVSS, move_scalar<u32>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVSD, select_movsd, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVLPS, move_half<0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVLPD, move_half<0>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVHPS, move_half<1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVHPD, move_half<1>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVHLPS, plain<copy_lane<u64, 0, 1, Rest::kept>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVLHPS, plain<copy_lane<u64, 1, 0, Rest::kept>>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVNTI, plain<movnti>, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVD, select_movd, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVQ, select_movq, kGoesOn, Emission::native},
    {ZYDIS_MNEMONIC_MOVNTQ, always<movq_from_mm>, kGoesOn, Emission::native},
};

}  // namespace

std::span<const Row> rows::sse_move() { return kRows; }

}  // namespace penumbra
