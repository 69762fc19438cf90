// Loading a multiboot kernel: by its header's addresses or as an ELF file.
#include "core/machine/multiboot.h"

#include <elf.h>

#include <algorithm>

#include "core/base/error.h"

namespace penumbra {

namespace {

constexpr u32 kMagic = 0x1BADB002;
constexpr u32 kPageAlign = 1, kMemoryInfo = 2, kVideo = 4, kAddresses = 1u << 16;
// Where the information structure and what it points to goes: below the BIOS data at the top of conventional memory.
constexpr u32 kInfoBase = 0x9000;
constexpr u32 kInfoEnd = 0x10000;
// The BIOS keeps its ACPI tables at the end of low RAM (bios/README.md).
constexpr u64 kAcpiBytes = 0x20000;

struct Header {
  u32 offset;  // in the file
  u32 flags;
};

std::optional<Header> find_header(std::span<const u8> image) {
  const std::size_t end = std::min<std::size_t>(image.size(), 8192);
  for (std::size_t at = 0; at + 12 <= end; at += 4) {
    const u32 magic = load<u32>(&image[at]);
    const u32 flags = load<u32>(&image[at + 4]);
    if (magic == kMagic && magic + flags + load<u32>(&image[at + 8]) == 0) return Header{static_cast<u32>(at), flags};
  }
  return std::nullopt;
}

class Loader {
 public:
  Loader(GuestMemory& memory, std::span<const u8> image, const std::string& path)
      : memory_(memory), image_(image), path_(path) {}

  u32 load_kernel(const Header& header) { return header.flags & kAddresses ? by_addresses(header) : as_elf(); }

  // Puts bytes at the next page after everything loaded so far.
  u32 place(std::span<const u8> bytes) {
    const u32 at = (top_ + kPageMask) & ~kPageMask;
    put(at, bytes, bytes.size());
    return at;
  }

  [[noreturn]] void refuse(const std::string& why) const {
    throw ConfigError(fmt::format("--kernel {}: {}", path_, why));
  }

 private:
  void put(u64 at, std::span<const u8> bytes, u64 size) {
    if (at < 0x100000) refuse(fmt::format("a part lies at {:x}; multiboot kernels load at 1 MiB and above", at));
    const u64 usable = memory_.low_ram_bytes() - kAcpiBytes;
    if (at + size > usable) refuse(fmt::format("needs memory up to {:x}, the machine has {:x}", at + size, usable));
    memory_.write(PhysAddr(at), bytes);
    const std::vector<u8> zeros(size - bytes.size());
    memory_.write(PhysAddr(at + bytes.size()), zeros);
    top_ = std::max(top_, static_cast<u32>(at + size));
  }

  u32 by_addresses(const Header& header) {
    if (image_.size() < header.offset + 32u) refuse("the multiboot header is cut short");
    const auto field = [&](u32 n) { return load<u32>(&image_[header.offset + n]); };
    const u32 header_address = field(12), load_address = field(16), load_end = field(20), bss_end = field(24);
    if (header_address < load_address || header_address - load_address > header.offset)
      refuse("the multiboot header's addresses do not fit the file");
    const u32 first = header.offset - (header_address - load_address);
    u64 count = image_.size() - first;
    if (load_end) {
      if (load_end < load_address || load_end - load_address > count)
        refuse("the file is shorter than its header says");
      count = load_end - load_address;
    }
    u64 size = count;
    if (bss_end) {
      if (bss_end < load_address + count) refuse("the multiboot header's bss lies inside of the loaded part");
      size = bss_end - load_address;
    }
    put(load_address, image_.subspan(first, count), size);
    return field(28);
  }

  u32 as_elf() {
    if (image_.size() < sizeof(Elf32_Ehdr) || std::memcmp(image_.data(), ELFMAG, SELFMAG) != 0)
      refuse("is neither an ELF file nor has addresses in its multiboot header");
    const auto elf = load<Elf32_Ehdr>(image_.data());
    if (elf.e_ident[EI_CLASS] != ELFCLASS32 || elf.e_machine != EM_386) refuse("is not a 32-bit x86 ELF file");
    if (elf.e_phentsize != sizeof(Elf32_Phdr) ||
        u64{elf.e_phoff} + u64{elf.e_phnum} * sizeof(Elf32_Phdr) > image_.size())
      refuse("its ELF program headers lie outside of the file");
    u32 entry = elf.e_entry;
    bool any = false;
    for (unsigned n = 0; n < elf.e_phnum; ++n) {
      const auto segment = load<Elf32_Phdr>(&image_[elf.e_phoff + n * sizeof(Elf32_Phdr)]);
      if (segment.p_type != PT_LOAD || segment.p_memsz == 0) continue;
      if (u64{segment.p_offset} + segment.p_filesz > image_.size() || segment.p_filesz > segment.p_memsz)
        refuse(fmt::format("ELF segment {} lies outside of the file", n));
      put(segment.p_paddr, image_.subspan(segment.p_offset, segment.p_filesz), segment.p_memsz);
      any = true;
      // The entry point is a virtual address where a kernel is linked high.
      if (elf.e_entry - segment.p_vaddr < segment.p_memsz) entry = elf.e_entry - segment.p_vaddr + segment.p_paddr;
    }
    if (!any) refuse("has nothing to load");
    return entry;
  }

  GuestMemory& memory_;
  std::span<const u8> image_;
  const std::string& path_;
  u32 top_ = 0x100000;
};

// The information structure and its strings and lists, growing upwards in low memory.
class InfoArea {
 public:
  InfoArea(GuestMemory& memory, const Loader& loader) : memory_(memory), loader_(loader) {}

  u32 append(std::span<const u8> bytes) {
    const u32 at = next_;
    if (at + bytes.size() > kInfoEnd) loader_.refuse("command line and modules' arguments are too long");
    memory_.write(PhysAddr(at), bytes);
    next_ = (at + static_cast<u32>(bytes.size()) + 3) & ~3u;
    return at;
  }
  u32 append_text(const std::string& text) {
    return append({reinterpret_cast<const u8*>(text.c_str()), text.size() + 1});
  }

 private:
  GuestMemory& memory_;
  const Loader& loader_;
  u32 next_ = kInfoBase + 0x80;
};

}  // namespace

bool is_multiboot(std::span<const u8> image) { return find_header(image).has_value(); }

MultibootEntry load_multiboot(GuestMemory& memory, std::span<const u8> image, const std::string& path,
                              const std::string& command_line, std::span<const MultibootModule> modules) {
  Loader loader(memory, image, path);
  const std::optional<Header> header = find_header(image);
  if (!header) loader.refuse("has no multiboot header");
  if (const u32 unknown = header->flags & 0xFFFF & ~(kPageAlign | kMemoryInfo | kVideo))
    loader.refuse(fmt::format("requires multiboot features {:x} that do not exist here", unknown));
  const u32 entry = loader.load_kernel(*header);

  InfoArea area(memory, loader);
  std::vector<u32> module_list;
  for (const MultibootModule& module : modules) {
    const u32 first = loader.place(module.bytes);
    module_list.insert(module_list.end(),
                       {first, first + static_cast<u32>(module.bytes.size()), area.append_text(module.arguments), 0});
  }
  const auto bytes_of_list = [](const std::vector<u32>& list) {
    return std::span(reinterpret_cast<const u8*>(list.data()), list.size() * sizeof(u32));
  };

  // Entries of size, base and length (64 bits each), type; `size` does not count itself.
  std::vector<u32> map;
  const auto range = [&](u64 base, u64 length, u32 type) {
    map.insert(map.end(), {20, static_cast<u32>(base), static_cast<u32>(base >> 32), static_cast<u32>(length),
                           static_cast<u32>(length >> 32), type});
  };
  range(0, 0x9FC00, 1);
  range(0x9FC00, 0x400, 2);
  range(0xF0000, 0x10000, 2);
  const u64 upper_bytes = memory.low_ram_bytes() - 0x100000 - kAcpiBytes;
  range(0x100000, upper_bytes, 1);
  range(0x100000 + upper_bytes, kAcpiBytes, 3);
  range(0xFFFC0000, 0x40000, 2);
  if (memory.high_ram_bytes()) range(GuestMemory::kHighRamBase, memory.high_ram_bytes(), 1);

  std::array<u32, 32> info{};
  info[0] = 1 | 2 | 4 | (modules.empty() ? 0 : 8) | 1u << 6 | 1u << 9;  // flags
  info[1] = 639;
  info[2] = static_cast<u32>(upper_bytes >> 10);  // up to the first hole: kernels take it all for their own
  info[3] = 0xFFFF'FFFF;                          // no boot device
  info[4] = area.append_text(path + (command_line.empty() ? "" : " " + command_line));
  info[5] = static_cast<u32>(modules.size());
  info[6] = modules.empty() ? 0 : area.append(bytes_of_list(module_list));
  info[11] = static_cast<u32>(map.size() * sizeof(u32));
  info[12] = area.append(bytes_of_list(map));
  info[16] = area.append_text("Penumbra");
  memory.write(PhysAddr(kInfoBase), {reinterpret_cast<const u8*>(info.data()), sizeof info});
  return {entry, kInfoBase};
}

}  // namespace penumbra
