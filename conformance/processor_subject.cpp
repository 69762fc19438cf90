// User-mode cases on Penumbra's own engines: paging, descriptor tables and handlers that mirror what the host process
// has.
#include "conformance/processor_subject.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "conformance/bare_processor.h"
#include "conformance/segments.h"
#include "translator/translator.h"

namespace penumbra::conformance {
namespace {

// Guest-physical places.
constexpr u32 kDirectory = 0x1000, kCodeTable = 0x2000, kDataTable = 0x3000, kSystemTable = 0x4000;
constexpr u32 kCodePages = 0x10000, kDataPages = 0x20000, kSystemPages = 0x30000;
// What belongs to the system lies where the host has its own harness: no case reaches there.
constexpr u32 kSystemBase = kHarnessBase;
constexpr u32 kSystemCount = 8;
constexpr u32 kGdt = kSystemBase, kIdt = kSystemBase + 0x1000, kTss = kSystemBase + 0x2000, kLdt = kSystemBase + 0x3000,
              kHandlers = kSystemBase + 0x4000, kStackTop = kSystemBase + 0x7000;
constexpr u16 kSystemCode = 0x08, kSystemData = 0x10, kTssSelector = 0x40, kLdtSelector = 0x50;
constexpr u32 kHandlerBytes = 4;
constexpr u64 kBudget = 5'000'000;
// For emitted code that does not end.
constexpr i64 kTime = 1'000'000'000;
constexpr u8 kNoEnd = 0xFE;  // a vector no processor has: the case did not end

u32 physical_of(u32 system_linear) { return system_linear - kSystemBase + kSystemPages; }

// Null for the interpreter.
std::unique_ptr<Translator> translator_for(EngineKind engine, TranslatorOptions options, Cpu& cpu,
                                           GuestMemory& memory) {
  if (engine == EngineKind::interpreter) return nullptr;
  options.lockstep = engine == EngineKind::lockstep;
  return std::make_unique<Translator>(cpu, memory, options);
}

class BareSubject final : public ProcessorSubject {
 public:
  // Null options: the interpreter.
  BareSubject(const char* model, const TranslatorOptions* options);
  Outcome run(const UserState& in, std::span<const u8> code, u32 code_at, Ending ending, Arena& arena) override;
  Share share() const override { return share_; }

 private:
  void build_tables();
  void map(u32 table, u32 linear, u32 physical, u32 pages, u32 rights);
  Segment segment_of(u16 selector) const;
  void place(std::span<const u8> code, u32 code_at);
  void enter(const UserState& in);
  void leave(std::span<const u8> code, u32 code_at, Outcome& out);
  template <class T>
  void put(u32 physical, T value) {
    processor_.memory().store(PhysAddr(physical), value);
  }
  u32 frame(u32 index) const { return load<u32>(stack_ + index * 4); }

  BareProcessor processor_;
  Cpu& cpu_;
  std::unique_ptr<Translator> translator_;
  u8* data_;         // the data pages' host memory
  const u8* stack_;  // the exception frame that ends a case, lowest word first; set by `leave`
  u16 last_cs_ = 0;
  std::vector<u8> code_;  // what stands in the code pages among terminators, and where
  u32 code_at_ = kCodeBase;
  Share share_;
};

BareSubject::BareSubject(const char* model, const TranslatorOptions* options)
    : processor_(model), cpu_(processor_.cpu()) {
  build_tables();
  std::vector<u8> terminators(kCodeBytes, kTerminator);
  processor_.memory().write(PhysAddr(kCodePages), terminators);
  data_ = processor_.memory().writable(page_of(PhysAddr(kDataPages)));
  cpu_.reset();
  cpu_.cr0 = cr0::PE | cr0::MP | cr0::ET | cr0::NE | cr0::WP | cr0::AM | cr0::PG;
  cpu_.cr3 = kDirectory;
  cpu_.cr4 = cr4::OSFXSR | cr4::OSXMMEXCPT;
  cpu_.gdtr = {kGdt, 0x7F};
  cpu_.idtr = {kIdt, 0x7FF};
  cpu_.tr.selector = kTssSelector;
  cpu_.tr.access = 0x8B;
  cpu_.tr.base = kTss;
  cpu_.tr.limit = 0x67;
  cpu_.ldtr.selector = kLdtSelector;
  cpu_.ldtr.access = 0x82;
  cpu_.ldtr.base = kLdt;
  cpu_.ldtr.limit = kLdtCount * 8 - 1;
  cpu_.state_changed();
  if (options) translator_ = std::make_unique<Translator>(cpu_, processor_.memory(), *options);
}

void BareSubject::map(u32 table, u32 linear, u32 physical, u32 pages, u32 rights) {
  put<u32>(kDirectory + (linear >> 22) * 4, table | 0x27);
  for (u32 i = 0; i < pages; ++i)
    put<u32>(table + ((linear >> 12 & 0x3FF) + i) * 4, (physical + i * kPageSize) | rights);
}

void BareSubject::build_tables() {
  constexpr u32 kUserRead = 0x65, kUserWrite = 0x67, kSystem = 0x63;  // with A and D set
  map(kCodeTable, kCodeBase, kCodePages, kCodeBytes / kPageSize, kUserRead);
  map(kDataTable, kDataBase, kDataPages, kDataWritable / kPageSize, kUserWrite);
  map(kDataTable, kDataBase + kDataWritable, kDataPages + kDataWritable, 1, kUserRead);
  map(kSystemTable, kSystemBase, kSystemPages, kSystemCount, kSystem);

  const u32 gdt = physical_of(kGdt);
  put<u64>(gdt + kSystemCode, 0x00CF'9B00'0000'FFFF);
  put<u64>(gdt + kSystemData, 0x00CF'9300'0000'FFFF);
  put<u64>(gdt + (kFlatCode & ~7), 0x00CF'FB00'0000'FFFF);
  put<u64>(gdt + (kFlatData & ~7), 0x00CF'F300'0000'FFFF);
  for (u16 i = 0; i < kLdtCount; ++i) put<u64>(physical_of(kLdt) + i * 8u, descriptor_bytes(kLocalSegments[i]));

  for (u32 vector = 0; vector < 256; ++vector) {
    // Linux lets user code raise #BP and #OF itself.
    const u64 access = vector == 3 || vector == 4 ? 0xEE : 0x8E;
    const u64 handler = kHandlers + vector * kHandlerBytes;
    put<u64>(physical_of(kIdt) + vector * 8,
             (handler & 0xFFFF) | u64{kSystemCode} << 16 | access << 40 | (handler >> 16) << 48);
    put<u8>(physical_of(kHandlers) + vector * kHandlerBytes, 0xF4);
  }
  put<u32>(physical_of(kTss) + 4, kStackTop);
  put<u32>(physical_of(kTss) + 8, kSystemData);
  put<u16>(physical_of(kTss) + 0x66, 0x68);  // no I/O permission bitmap
}

Segment BareSubject::segment_of(u16 selector) const {
  Segment s;
  u64 bytes = 0;
  if (selector == kFlatCode) bytes = 0x00CF'FB00'0000'FFFF;
  if (selector == kFlatData) bytes = 0x00CF'F300'0000'FFFF;
  if ((selector & 7) == 7 && selector >> 3 < kLdtCount) bytes = descriptor_bytes(kLocalSegments[selector >> 3]);
  if (!bytes) {
    s.make_unusable(selector);
    return s;
  }
  s.selector = selector;
  s.access = static_cast<u8>(bytes >> 40);
  s.available = bytes >> 52 & 1;
  s.big = bytes >> 54 & 1;
  s.granular = bytes >> 55 & 1;
  s.base = static_cast<u32>((bytes >> 16 & 0xFF'FFFF) | bytes >> 56 << 24);
  const u32 limit = static_cast<u32>((bytes & 0xFFFF) | (bytes >> 32 & 0xF'0000));
  s.limit = s.granular ? limit << 12 | 0xFFF : limit;
  s.derive();
  return s;
}

void BareSubject::enter(const UserState& in) {
  for (unsigned i = 0; i < 8; ++i) cpu_.gpr[i] = in.gpr[i];
  cpu_.eip = in.eip;
  cpu_.cr2 = 0;
  cpu_.halted = cpu_.interrupt_shadow = cpu_.debug_shadow = false;
  for (unsigned i = 0; i < 6; ++i) cpu_.segment[i] = segment_of(in.selector[i]);
  if (in.selector[kCs] != last_cs_) cpu_.forget_links();
  last_cs_ = in.selector[kCs];
  cpu_.x87.control = load<u16>(&in.fx[kFxControl]);
  cpu_.x87.load_status_word(load<u16>(&in.fx[kFxStatus]));
  cpu_.x87.valid = in.fx[kFxTags];
  for (unsigned i = 0; i < 8; ++i) {
    Float80& reg = cpu_.x87.registers[(cpu_.x87.top + i) & 7];
    reg.significand = load<u64>(&in.fx[kFxStack + 16 * i]);
    reg.sign_exponent = load<u16>(&in.fx[kFxStack + 16 * i + 8]);
  }
  cpu_.mxcsr = load<u32>(&in.fx[kFxMxcsr]);
  std::memcpy(cpu_.xmm.data(), &in.fx[kFxXmm], 128);
  cpu_.flags.load(in.eflags);
  cpu_.set_cpl(3);
  cpu_.flags_changed();
}

void BareSubject::leave(std::span<const u8> code, u32 code_at, Outcome& out) {
  const u32 handler = cpu_.eip - 1 - kHandlers;
  if (cpu_.cpl != 0 || handler >= 256 * kHandlerBytes) {
    out.vector = kNoEnd;
    return;
  }
  out.vector = static_cast<u8>(handler / kHandlerBytes);
  stack_ = processor_.memory().readable(page_of(PhysAddr(physical_of(kStackTop - 4)))) + (cpu_.gpr[ESP] & kPageMask);
  u32 word = 0;
  // A software INT's vector pushes no error code, but cases have none that gets that far but 3 and 4.
  if (pushes_error_code(static_cast<Vector>(out.vector))) out.error_code = frame(word++);
  UserState& s = out.state;
  s.eip = frame(word);
  s.selector[kCs] = static_cast<u16>(frame(word + 1));
  s.eflags = frame(word + 2);
  for (unsigned i = 0; i < 8; ++i) s.gpr[i] = cpu_.gpr[i];
  s.gpr[kEsp] = frame(word + 3);
  s.selector[kSs] = static_cast<u16>(frame(word + 4));
  for (const unsigned i : {kEs, kDs, kFs, kGs}) s.selector[i] = cpu_.segment[i].selector;
  if (out.vector == 14) out.cr2 = cpu_.cr2;

  const u32 linear = s.eip + segment_base(s.selector[kCs]).value_or(0);
  const bool in_case = linear - code_at < code.size();
  if (out.vector == 13 && out.error_code == 0 && linear - kCodeBase < kCodeBytes && !in_case)
    out.vector = Outcome::kFinished;
}

// Code that stands there already is left alone: what was made of it before runs again.
void BareSubject::place(std::span<const u8> code, u32 code_at) {
  if (code_at == code_at_ && std::equal(code.begin(), code.end(), code_.begin(), code_.end())) return;
  std::fill(code_.begin(), code_.end(), kTerminator);
  processor_.memory().write(PhysAddr(kCodePages + (code_at_ - kCodeBase)), code_);
  code_.assign(code.begin(), code.end());
  code_at_ = code_at;
  processor_.memory().write(PhysAddr(kCodePages + (code_at - kCodeBase)), code);
}

Outcome BareSubject::run(const UserState& in, std::span<const u8> code, u32 code_at, Ending, Arena& arena) {
  place(code, code_at);
  std::memcpy(data_, arena.bytes.data(), kDataBytes);
  enter(in);
  Outcome out;
  const u64 instructions = cpu_.instructions(), entries = translator_ ? translator_->counters().entries : 0;
  const RunEnd end = translator_ ? translator_->run(kBudget, kTime) : cpu_.run(kBudget);
  ++share_.runs;
  share_.interpreted += cpu_.instructions() - instructions;
  if (translator_ && translator_->counters().entries != entries) ++share_.emitted_runs;
  if (end == RunEnd::halted) {
    leave(code, code_at, out);
  } else {
    out.vector = kNoEnd;
    out.error_code = static_cast<u32>(end);
  }
  UserState& s = out.state;
  store<u16>(&s.fx[kFxControl], cpu_.x87.control);
  store<u16>(&s.fx[kFxStatus], cpu_.x87.status_word());
  s.fx[kFxTags] = cpu_.x87.valid;
  for (unsigned i = 0; i < 8; ++i) {
    const Float80& reg = cpu_.x87.registers[(cpu_.x87.top + i) & 7];
    store<u64>(&s.fx[kFxStack + 16 * i], reg.significand);
    store<u16>(&s.fx[kFxStack + 16 * i + 8], reg.sign_exponent);
  }
  store<u32>(&s.fx[kFxMxcsr], cpu_.mxcsr);
  std::memcpy(&s.fx[kFxXmm], cpu_.xmm.data(), 128);
  std::memcpy(arena.bytes.data(), data_, kDataWritable);
  if (end != RunEnd::halted) {
    cpu_.shutdown = false;
    cpu_.state_changed();
  }
  return out;
}

class ProcessorRealMode final : public RealModeSubject {
 public:
  ProcessorRealMode(const char* model, EngineKind engine, const TranslatorOptions& options)
      : processor_(model), cpu_(processor_.cpu()) {
    processor_.memory().set_a20(true);
    translator_ = translator_for(engine, options, cpu_, processor_.memory());
  }

  void write(u32 physical, std::span<const u8> bytes) override { processor_.memory().write(PhysAddr(physical), bytes); }
  void read(u32 physical, std::span<u8> bytes) override { processor_.memory().read(PhysAddr(physical), bytes); }

  bool run(RealRegisters& r) override {
    constexpr std::array<u8, 8> kGprs{kAx, kCx, kDx, kBx, kSp, kBp, kSi, kDi};
    constexpr std::array<u8, 4> kSegments{kRealEs, kRealCs, kRealSs, kRealDs};
    cpu_.reset();
    for (unsigned i = 0; i < 8; ++i) cpu_.gpr[i] = r[kGprs[i]];
    for (unsigned i = 0; i < 4; ++i) {
      cpu_.segment[i].selector = r[kSegments[i]];
      cpu_.segment[i].base = u32{r[kSegments[i]]} << 4;
    }
    cpu_.eip = r[kIp];
    cpu_.flags.load(r[kFlags]);
    cpu_.idtr = {0, 0x3FF};
    cpu_.state_changed();
    const RunEnd end = translator_ ? translator_->run(1'000'000, kTime) : cpu_.run(1'000'000);
    for (unsigned i = 0; i < 8; ++i) r[kGprs[i]] = static_cast<u16>(cpu_.gpr[i]);
    for (unsigned i = 0; i < 4; ++i) r[kSegments[i]] = cpu_.segment[i].selector;
    r[kIp] = static_cast<u16>(cpu_.eip);
    r[kFlags] = static_cast<u16>(cpu_.flags.value());
    return end == RunEnd::halted;
  }

 private:
  BareProcessor processor_;
  Cpu& cpu_;
  std::unique_ptr<Translator> translator_;
};

}  // namespace

std::unique_ptr<ProcessorSubject> translating_subject(const char* model, const TranslatorOptions& options) {
  return std::make_unique<BareSubject>(model, &options);
}
std::unique_ptr<ProcessorSubject> interpreting_subject(const char* model) {
  return std::make_unique<BareSubject>(model, nullptr);
}
std::unique_ptr<Subject> processor_subject(const char* model, EngineKind engine, TranslatorOptions options) {
  if (engine == EngineKind::interpreter) return interpreting_subject(model);
  options.lockstep = engine == EngineKind::lockstep;
  return translating_subject(model, options);
}
std::unique_ptr<RealModeSubject> processor_real_mode(const char* model, EngineKind engine,
                                                     const TranslatorOptions& options) {
  return std::make_unique<ProcessorRealMode>(model, engine, options);
}

}  // namespace penumbra::conformance
