// Includes run one way. This reads every include of our own headers and fails on an arrow that runs back.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

namespace fs = std::filesystem;

// A layer sees itself and what is named here. The longest folder that fits a file is its layer.
struct Layer {
  std::string_view folder;
  std::vector<std::string_view> sees;
};

const std::vector<Layer>& layers() {
  static const std::vector<Layer> all = {
      {"core/base", {}},
      {"core/platform", {"core/base"}},
      {"mmu", {"core/base", "core/platform"}},
      {"devices", {"core/base", "core/platform", "mmu/guest_memory.h"}},
      {"core/cpu", {"core/base", "core/platform", "mmu", "core/debug"}},
      {"core/debug", {"core/base", "core/platform", "mmu", "core/cpu"}},
      {"translator", {"core/base", "core/platform", "mmu", "core/cpu", "core/debug"}},
      {"bios", {"core/base"}},
      {"core/machine",
       {"core/base", "core/platform", "mmu", "core/cpu", "core/debug", "translator", "devices", "bios/firmware.h"}},
      {"core/hypervisor",
       {"core/base", "core/platform", "mmu", "core/cpu", "core/debug", "translator", "devices", "core/machine"}},
      {"conformance",
       {"core/base", "core/platform", "mmu", "core/cpu", "core/debug", "translator", "devices", "core/machine",
        "core/hypervisor", "bios/firmware.h"}},
      // A debugger's adapter reaches into the CPU; otherwise the front end sees machines and the conformance command.
      {"frontend",
       {"core/base", "core/platform", "mmu", "core/cpu", "core/debug", "core/machine", "core/hypervisor",
        "conformance/conform.h"}},
  };
  return all;
}

bool inside(std::string_view path, std::string_view folder_or_file) {
  return path == folder_or_file || (path.starts_with(folder_or_file) && path[folder_or_file.size()] == '/');
}

const Layer* layer_of(std::string_view path) {
  const Layer* best = nullptr;
  for (const Layer& layer : layers())
    if (inside(path, layer.folder) && (best == nullptr || layer.folder.size() > best->folder.size())) best = &layer;
  return best;
}

// Which device a file of devices/ belongs to: its name's first word, except where the words of one device differ.
std::string device_of(std::string_view path) {
  const std::string name = fs::path(path).stem().string();
  const std::string word = name.substr(0, name.find('_'));
  // The IDE function is one device: channels, the bus master, and the drives on them.
  if (word == "ide" || word == "ata" || word == "atapi" || name == "bus_master_ide" || name == "identify_block")
    return "ide";
  // Disk images are one thing: formats and the choice between them.
  if (word == "medium" || name.ends_with("_image")) return "image";
  return word;
}

// What is wrong with `file` including `header`, or nothing.
std::string fault_of(std::string_view file, std::string_view header) {
  const Layer* from = layer_of(file);
  const Layer* to = layer_of(header);
  if (from == nullptr || to == nullptr) return {};
  if (from == to) {
    if (from->folder == "devices" && device_of(file) != device_of(header))
      return fmt::format("{} includes {}: a device never includes another", file, header);
    return {};
  }
  const bool seen = std::any_of(from->sees.begin(), from->sees.end(),
                                [&](std::string_view allowed) { return inside(header, allowed); });
  return seen ? "" : fmt::format("{} includes {}: {} does not see that", file, header, from->folder);
}

std::vector<std::string> includes_of(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
  static const std::regex include("(^|\n)[ \t]*#[ \t]*include[ \t]*\"([^\"]+)\"");
  std::vector<std::string> found;
  for (std::sregex_iterator i(text.begin(), text.end(), include), end; i != end; ++i) found.push_back((*i)[2]);
  return found;
}

}  // namespace

TEST_CASE("arrows that run back are faults") {
  CHECK(fault_of("core/base/a.h", "core/platform/clock.h") != "");
  CHECK(fault_of("core/platform/a.h", "core/base/types.h") == "");
  CHECK(fault_of("mmu/a.cpp", "core/cpu/cpu.h") != "");
  CHECK(fault_of("devices/vga.cpp", "mmu/guest_memory.h") == "");
  CHECK(fault_of("devices/vga.cpp", "mmu/machine_memory.h") != "");
  CHECK(fault_of("devices/vga.cpp", "devices/vga_text.h") == "");
  CHECK(fault_of("devices/vga.cpp", "devices/rtc.h") != "");
  CHECK(fault_of("devices/ata_drive.h", "devices/ide_device.h") == "");
  CHECK(fault_of("core/cpu/exec/move.cpp", "core/cpu/flags.h") == "");
  CHECK(fault_of("core/cpu/cpu.cpp", "devices/rtc.h") != "");
  CHECK(fault_of("core/machine/pc_board.cpp", "devices/rtc.h") == "");
  CHECK(fault_of("core/machine/machine.cpp", "frontend/guest.h") != "");
  CHECK(fault_of("conformance/runner.cpp", "frontend/guest.h") != "");
  CHECK(fault_of("frontend/main.cpp", "conformance/conform.h") == "");
  CHECK(fault_of("frontend/main.cpp", "conformance/runner.h") != "");
  CHECK(fault_of("frontend/main.cpp", "devices/rtc.h") != "");
}

TEST_CASE("includes run one way") {
  const fs::path root = PENUMBRA_SOURCE_DIR;
  std::size_t files = 0, arrows = 0;
  for (const Layer& layer : layers()) {
    if (!fs::exists(root / layer.folder)) continue;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / layer.folder)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".c") continue;
      ++files;
      const std::string file = fs::relative(entry.path(), root).generic_string();
      for (const std::string& header : includes_of(entry.path())) {
        ++arrows;
        const std::string fault = fault_of(file, header);
        CHECK_MESSAGE(fault.empty(), fault);
      }
    }
  }
  CHECK(files > 50);
  CHECK(arrows > 100);
}

TEST_CASE("SDL, TOML and Capstone stay in one file each") {
  const fs::path root = PENUMBRA_SOURCE_DIR;
  static const std::regex library("#[ \t]*include[ \t]*<(SDL|toml\\+\\+|capstone)");
  std::vector<std::string> users;
  for (const char* folder : {"core", "mmu", "translator", "devices", "conformance", "frontend"})
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      std::ifstream stream(entry.path(), std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
      if (std::regex_search(text, library)) users.push_back(fs::relative(entry.path(), root).generic_string());
    }
  std::sort(users.begin(), users.end());
  CHECK(users ==
        std::vector<std::string>{"frontend/machine_file.cpp", "frontend/sdl_window.cpp", "translator/listing.cpp"});
}
