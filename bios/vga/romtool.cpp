// Build-time helper of the VGA BIOS: turns font drawings into C and finishes the ROM image.
//
//   romtool font FONT.txt NAME HEIGHT OUT.c    drawings -> const unsigned char NAME[256 * HEIGHT]
//   romtool finish ROM.raw OUT.bin             pads to 512 bytes, enters lengths and checksum
#include <cstdint>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes read_bytes(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) throw std::runtime_error(path + ": cannot be written");
}

std::string byte_list(const Bytes& bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    text += std::to_string(bytes[i]);
    text += i % 24 == 23 ? ",\n" : ",";
  }
  return text;
}

// A drawing: "code XX" begins a glyph, then one line of 8 dots for each row; lines beginning with ';' are remarks.
Bytes parse_font(const std::string& path, std::size_t height) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error(path + ": cannot be read");
  Bytes glyphs;
  std::size_t rows = 0;
  std::size_t line_number = 0;
  const auto fail = [&](const std::string& what) {
    throw std::runtime_error(path + ":" + std::to_string(line_number) + ": " + what);
  };
  const auto end_glyph = [&] {
    if (!glyphs.empty() && rows != height) fail("the glyph before has " + std::to_string(rows) + " rows");
    rows = 0;
  };
  std::size_t next_code = 0;
  for (std::string line; std::getline(file, line);) {
    ++line_number;
    if (line.empty() || line[0] == ';') continue;
    if (line.compare(0, 5, "code ") == 0) {
      end_glyph();
      if (std::stoul(line.substr(5, 2), nullptr, 16) != next_code++) fail("glyphs must be in order");
      continue;
    }
    if (line.size() != 8 || line.find_first_not_of("#.") != std::string::npos) fail("not a row of 8 dots");
    if (next_code == 0) fail("a row outside of a glyph");
    std::uint8_t bits = 0;
    for (const char dot : line) bits = static_cast<std::uint8_t>(bits << 1 | (dot == '#' ? 1 : 0));
    glyphs.push_back(bits);
    ++rows;
  }
  end_glyph();
  if (next_code != 256) fail("256 glyphs expected");
  return glyphs;
}

// PCI Firmware Specification 5.1: length in units of 512 bytes at offset 2 and in the PCI data structure; all bytes add
// up to 0.
Bytes finish(Bytes rom) {
  rom.resize((rom.size() + 511) / 512 * 512);
  const std::size_t units = rom.size() / 512;
  const std::size_t pci = rom.at(0x18) | rom.at(0x19) << 8;
  if (units > 128) throw std::runtime_error("the ROM is larger than 64 KiB");
  rom.at(2) = static_cast<std::uint8_t>(units);
  rom.at(pci + 0x10) = static_cast<std::uint8_t>(units);
  std::uint8_t sum = 0;
  for (const std::uint8_t byte : rom) sum = static_cast<std::uint8_t>(sum + byte);
  rom.at(6) = static_cast<std::uint8_t>(rom.at(6) - sum);
  return rom;
}

int run(const std::vector<std::string>& arguments) {
  if (arguments.size() == 5 && arguments[0] == "font") {
    const Bytes glyphs = parse_font(arguments[1], std::stoul(arguments[3]));
    write_text(arguments[4], "const unsigned char " + arguments[2] + "[" + std::to_string(glyphs.size()) + "] = {\n" +
                                 byte_list(glyphs) + "};\n");
    return 0;
  }
  if (arguments.size() == 3 && arguments[0] == "finish") {
    const Bytes rom = finish(read_bytes(arguments[1]));
    write_text(arguments[2], std::string(rom.begin(), rom.end()));
    return 0;
  }
  std::fputs("usage: romtool font|finish ...\n", stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + 1, argv + argc});
  } catch (const std::exception& error) {
    std::fprintf(stderr, "romtool: %s\n", error.what());
    return 1;
  }
}
