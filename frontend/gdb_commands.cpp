// The stub's answers, packet by packet (gdb manual, "Packets" and "General Query Packets").
#include <fmt/format.h>

#include <algorithm>

#include "frontend/gdb_registers.h"
#include "frontend/gdb_stub.h"

namespace penumbra {

namespace {

constexpr std::string_view kOk = "OK";
constexpr std::string_view kMalformed = "E01";
constexpr std::string_view kNoMemory = "E14";  // EFAULT, as gdb's own server says
constexpr std::string_view kNoRoom = "E28";
// What fits a packet in hexadecimal.
constexpr u64 kMostMemory = GdbReader::kLargest / 2 - 16;

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

struct AddressAndLength {
  u32 address;
  u64 length;
};

// "ADDRESS,LENGTH"; gdb may sign-extend addresses to 64 bits.
std::optional<AddressAndLength> take_range(std::string_view& text) {
  const std::optional<u64> address = take_hex(text);
  if (!address || !take(text, ",")) return std::nullopt;
  const std::optional<u64> length = take_hex(text);
  if (!length) return std::nullopt;
  return AddressAndLength{static_cast<u32>(*address), *length};
}

}  // namespace

std::optional<std::string> GdbStub::command(std::string_view packet) {
  if (packet.empty()) return "";
  const char letter = packet[0];
  const std::string_view rest = packet.substr(1);
  switch (letter) {
    case '?': return reason_;
    case 'g': return read_registers();
    case 'G': return write_registers(rest);
    case 'p': return read_one_register(rest);
    case 'P': return write_one_register(rest);
    case 'm': return read_memory(rest);
    case 'M': return write_memory(rest, false);
    case 'X': return write_memory(rest, true);
    case 'Z': return breakpoint(rest, true);
    case 'z': return breakpoint(rest, false);
    case 'c': return go_on(rest, false);
    case 's': return go_on(rest, true);
    case 'C':
    case 'S': {
      // A signal means nothing to a machine; an address may follow it.
      const std::size_t at = rest.find(';');
      return go_on(at == std::string_view::npos ? "" : rest.substr(at + 1), letter == 'S');
    }
    case 'H':
    case 'T': return std::string(kOk);
    case 'D':
      answer(kOk);
      flush();
      disconnected();
      detached_ = true;
      return std::nullopt;
    case 'k': actions_.kill(); return std::nullopt;
    case 'v': {
      std::string_view name = packet;
      if (take(name, "vCont?")) return "vCont;c;C;s;S";
      if (take(name, "vCont;")) return go_on_with(name);
      if (take(name, "vKill")) {
        actions_.kill();
        return std::string(kOk);
      }
      return "";
    }
    case 'q':
    case 'Q': return query(packet);
    default: return "";
  }
}

std::string GdbStub::query(std::string_view packet) {
  if (take(packet, "qSupported")) {
    names_breakpoints_ = packet.find("swbreak+") != std::string_view::npos;
    return fmt::format("PacketSize={:x};qXfer:features:read+;vContSupported+;QStartNoAckMode+{}", GdbReader::kLargest,
                       names_breakpoints_ ? ";swbreak+;hwbreak+" : "");
  }
  if (take(packet, "QStartNoAckMode")) {
    acknowledges_ = false;
    return std::string(kOk);
  }
  if (take(packet, "qXfer:features:read:")) return features(packet);
  if (take(packet, "qRcmd,")) return remote_command(packet);
  if (packet == "qC") return "QC1";
  if (packet == "qfThreadInfo") return "m1";
  if (packet == "qsThreadInfo") return "l";
  if (packet.starts_with("qAttached")) return "1";
  if (packet.starts_with("qSymbol")) return std::string(kOk);
  return "";
}

std::string GdbStub::features(std::string_view annex_and_range) {
  if (!take(annex_and_range, "target.xml:")) return "E00";
  const std::optional<AddressAndLength> range = take_range(annex_and_range);
  if (!range) return std::string(kMalformed);
  const std::string xml = gdb_target_xml();
  if (range->address >= xml.size()) return "l";
  const std::string part = xml.substr(range->address, std::min(range->length, kMostMemory));
  return fmt::format("{}{}", range->address + part.size() == xml.size() ? 'l' : 'm', part);
}

std::string GdbStub::remote_command(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes) return std::string(kMalformed);
  std::string output = actions_.monitor(std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()));
  if (output.empty()) return std::string(kOk);
  // Long answers go ahead in console packets.
  while (output.size() > kMostMemory) {
    answer(fmt::format("O{}", to_hex(output.substr(0, kMostMemory))));
    output.erase(0, kMostMemory);
  }
  return to_hex(output);
}

std::string GdbStub::read_registers() {
  const DebugRegisters registers = target_.registers();
  std::string text;
  for (unsigned i = 0; i < kGdbRegisterCount; ++i) text += to_hex(gdb_register(registers, i));
  return text;
}

std::string GdbStub::write_registers(std::string_view hex) {
  const auto bytes = from_hex(hex);
  if (!bytes) return std::string(kMalformed);
  DebugRegisters registers = target_.registers();
  std::size_t at = 0;
  for (unsigned i = 0; i < kGdbRegisterCount && at + gdb_register_size(i) <= bytes->size(); ++i) {
    set_gdb_register(registers, i, std::span(*bytes).subspan(at, gdb_register_size(i)));
    at += gdb_register_size(i);
  }
  target_.set_registers(registers);
  return std::string(kOk);
}

std::string GdbStub::read_one_register(std::string_view text) {
  const std::optional<u64> number = take_hex(text);
  if (!number || *number >= kGdbRegisterCount) return std::string(kMalformed);
  return to_hex(gdb_register(target_.registers(), static_cast<unsigned>(*number)));
}

std::string GdbStub::write_one_register(std::string_view text) {
  const std::optional<u64> number = take_hex(text);
  if (!number || *number >= kGdbRegisterCount || !take(text, "=")) return std::string(kMalformed);
  const auto bytes = from_hex(text);
  DebugRegisters registers = target_.registers();
  if (!bytes || !set_gdb_register(registers, static_cast<unsigned>(*number), *bytes)) return std::string(kMalformed);
  target_.set_registers(registers);
  return std::string(kOk);
}

std::string GdbStub::read_memory(std::string_view text) {
  const std::optional<AddressAndLength> range = take_range(text);
  if (!range) return std::string(kMalformed);
  std::vector<u8> bytes(std::min(range->length, kMostMemory));
  // Page by page, so that what can be read before a missing page is.
  std::size_t done = 0;
  while (done < bytes.size()) {
    const u32 at = static_cast<u32>(range->address + done);
    const std::size_t in_page = std::min<std::size_t>(kPageSize - (at & kPageMask), bytes.size() - done);
    if (!target_.read(LinearAddr(at), std::span(bytes).subspan(done, in_page))) break;
    done += in_page;
  }
  if (done == 0 && !bytes.empty()) return std::string(kNoMemory);
  return to_hex(std::span(bytes).first(done));
}

std::string GdbStub::write_memory(std::string_view text, bool binary) {
  const std::optional<AddressAndLength> range = take_range(text);
  if (!range || !take(text, ":")) return std::string(kMalformed);
  std::vector<u8> bytes(text.begin(), text.end());
  if (!binary) {
    const auto decoded = from_hex(text);
    if (!decoded) return std::string(kMalformed);
    bytes = *decoded;
  }
  if (bytes.size() != range->length) return std::string(kMalformed);
  if (bytes.empty()) return std::string(kOk);  // gdb's probe for X
  return std::string(target_.write(LinearAddr(range->address), bytes) ? kOk : kNoMemory);
}

std::string GdbStub::breakpoint(std::string_view text, bool insert) {
  const std::optional<u64> type = take_hex(text);
  if (!type || !take(text, ",")) return std::string(kMalformed);
  if (*type > 4) return "";
  const std::optional<AddressAndLength> range = take_range(text);
  if (!range) return std::string(kMalformed);

  constexpr BreakKind kKinds[] = {BreakKind::execute, BreakKind::execute, BreakKind::write, BreakKind::read,
                                  BreakKind::access};
  const std::pair<unsigned, u32> entry(static_cast<unsigned>(*type), range->address);
  const BreakKind kind = kKinds[*type];
  const LinearAddr at(range->address);
  const u32 length = static_cast<u32>(std::clamp<u64>(range->length, 1, kPageSize));
  // Software and hardware breakpoints are one thing to the target.
  const bool other = *type < 2 && breakpoints_.contains({1 - entry.first, range->address});
  if (insert) {
    if (breakpoints_.contains(entry)) return std::string(kOk);
    if (!other && !target_.add_breakpoint(kind, at, length)) return std::string(kNoRoom);
    breakpoints_.insert(entry);
  } else if (breakpoints_.erase(entry) != 0 && !other) {
    target_.remove_breakpoint(kind, at, length);
  }
  return std::string(kOk);
}

std::optional<std::string> GdbStub::go_on(std::string_view address, bool step) {
  if (!address.empty()) {
    const std::optional<u64> eip = take_hex(address);
    if (!eip) return std::string(kMalformed);
    DebugRegisters registers = target_.registers();
    registers.eip = static_cast<u32>(*eip);
    target_.set_registers(registers);
  }
  resume(step);
  return std::nullopt;
}

// There is one thread, so the first action that speaks to it (or to all) counts.
std::optional<std::string> GdbStub::go_on_with(std::string_view actions) {
  if (actions.empty()) return std::string(kMalformed);
  switch (actions[0]) {
    case 'c':
    case 'C': return go_on("", false);
    case 's':
    case 'S': return go_on("", true);
    default: return std::string(kMalformed);
  }
}

}  // namespace penumbra
