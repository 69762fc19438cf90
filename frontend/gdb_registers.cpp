// Register numbers: gdb manual, "Standard Target Features", i386; the order within features is the protocol's.
#include "frontend/gdb_registers.h"

#include <fmt/format.h>

#include <cstring>
#include <string_view>

#include "core/base/bits.h"

namespace penumbra {

namespace {

constexpr unsigned kEip = 8, kEflags = 9, kSegments = 10, kSt = 16, kFpuControl = 24, kXmm = 32, kMxcsr = 40;

// fctrl fstat ftag fiseg fioff foseg fooff fop: 32 bits each on the wire.
u32 fpu_control(const DebugRegisters& r, unsigned index) {
  const u32 values[8] = {r.fctrl, r.fstat, r.ftag, r.fiseg, r.fioff, r.foseg, r.fooff, r.fop};
  return values[index];
}

void set_fpu_control(DebugRegisters& r, unsigned index, u32 value) {
  const u16 word = static_cast<u16>(value);
  switch (index) {
    case 0: r.fctrl = word; break;
    case 1: r.fstat = word; break;
    case 2: r.ftag = word; break;
    case 3: r.fiseg = word; break;
    case 4: r.fioff = value; break;
    case 5: r.foseg = word; break;
    case 6: r.fooff = value; break;
    default: r.fop = word; break;
  }
}

}  // namespace

std::string gdb_target_xml() {
  std::string xml =
      "<?xml version=\"1.0\"?><!DOCTYPE target SYSTEM \"gdb-target.dtd\">"
      "<target version=\"1.0\"><architecture>i386</architecture><feature name=\"org.gnu.gdb.i386.core\">";
  const auto add = [&](std::string_view name, unsigned bits, std::string_view type, std::string_view group = "") {
    xml += fmt::format("<reg name=\"{}\" bitsize=\"{}\" type=\"{}\"", name, bits, type);
    if (!group.empty()) xml += fmt::format(" group=\"{}\"", group);
    xml += "/>";
  };
  for (const char* name : {"eax", "ecx", "edx", "ebx"}) add(name, 32, "int32");
  for (const char* name : {"esp", "ebp"}) add(name, 32, "data_ptr");
  for (const char* name : {"esi", "edi"}) add(name, 32, "int32");
  add("eip", 32, "code_ptr");
  add("eflags", 32, "int32");
  for (const char* name : {"cs", "ss", "ds", "es", "fs", "gs"}) add(name, 32, "int32");
  for (unsigned i = 0; i < 8; ++i) add(fmt::format("st{}", i), 80, "i387_ext");
  for (const char* name : {"fctrl", "fstat", "ftag", "fiseg", "fioff", "foseg", "fooff", "fop"})
    add(name, 32, "int", "float");
  xml +=
      "</feature><feature name=\"org.gnu.gdb.i386.sse\">"
      "<vector id=\"v4f\" type=\"ieee_single\" count=\"4\"/><vector id=\"v2d\" type=\"ieee_double\" count=\"2\"/>"
      "<vector id=\"v16i8\" type=\"int8\" count=\"16\"/><vector id=\"v4i32\" type=\"int32\" count=\"4\"/>"
      "<union id=\"vec128\"><field name=\"v4_float\" type=\"v4f\"/><field name=\"v2_double\" type=\"v2d\"/>"
      "<field name=\"v16_int8\" type=\"v16i8\"/><field name=\"v4_int32\" type=\"v4i32\"/>"
      "<field name=\"uint128\" type=\"uint128\"/></union>";
  for (unsigned i = 0; i < 8; ++i) add(fmt::format("xmm{}", i), 128, "vec128");
  add("mxcsr", 32, "int", "vector");
  return xml + "</feature></target>";
}

std::size_t gdb_register_size(unsigned number) {
  if (number >= kSt && number < kFpuControl) return 10;
  if (number >= kXmm && number < kMxcsr) return 16;
  return number < kGdbRegisterCount ? 4 : 0;
}

std::vector<u8> gdb_register(const DebugRegisters& registers, unsigned number) {
  std::vector<u8> bytes(gdb_register_size(number));
  if (bytes.empty()) return bytes;
  if (number >= kSt && number < kFpuControl) {
    std::memcpy(bytes.data(), registers.st[number - kSt].data(), 10);
  } else if (number >= kXmm && number < kMxcsr) {
    std::memcpy(bytes.data(), registers.xmm[number - kXmm].data(), 16);
  } else {
    u32 value = 0;
    if (number < kEip)
      value = registers.general[number];
    else if (number == kEip)
      value = registers.eip;
    else if (number == kEflags)
      value = registers.eflags;
    else if (number < kSt)
      value = registers.segments[number - kSegments];
    else if (number == kMxcsr)
      value = registers.mxcsr;
    else
      value = fpu_control(registers, number - kFpuControl);
    store(bytes.data(), value);
  }
  return bytes;
}

bool set_gdb_register(DebugRegisters& registers, unsigned number, std::span<const u8> bytes) {
  if (bytes.empty() || bytes.size() != gdb_register_size(number)) return false;
  if (number >= kSt && number < kFpuControl) {
    std::memcpy(registers.st[number - kSt].data(), bytes.data(), 10);
  } else if (number >= kXmm && number < kMxcsr) {
    std::memcpy(registers.xmm[number - kXmm].data(), bytes.data(), 16);
  } else {
    const u32 value = load<u32>(bytes.data());
    if (number < kEip)
      registers.general[number] = value;
    else if (number == kEip)
      registers.eip = value;
    else if (number == kEflags)
      registers.eflags = value;
    else if (number < kSt)
      registers.segments[number - kSegments] = static_cast<u16>(value);
    else if (number == kMxcsr)
      registers.mxcsr = value;
    else
      set_fpu_control(registers, number - kFpuControl, value);
  }
  return true;
}

}  // namespace penumbra
