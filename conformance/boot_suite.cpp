// Starts the program as a child process on copies of the media and judges its exit code.
#include "conformance/boot_suite.h"

#include <fmt/format.h>
#include <stdlib.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "conformance/boot_cases.h"
#include "conformance/boot_media.h"
#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

namespace fs = std::filesystem;

constexpr const char* kSeabios = "/usr/share/seabios/bios.bin";
constexpr const char* kSeabiosVga = "/usr/share/seabios/vgabios-stdvga.bin";
constexpr size_t kShownLines = 60;

enum class Firmware : u8 { own, seabios };

// A folder of the case's own, gone when the case ends.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string name = (fs::temp_directory_path() / "penumbra-boot-XXXXXX").string();
    if (!mkdtemp(name.data())) throw host_error(name);
    path_ = name;
  }
  ~ScratchFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

std::string last_lines(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  size_t at = text.size();
  for (size_t lines = 0; at > 0 && lines <= kShownLines; --at)
    if (text[at - 1] == '\n') ++lines;
  return text.substr(at);
}

std::string missing_file(const BootCase& boot, Firmware firmware, const Options& options) {
  for (const BootFile& file : boot.files) {
    const fs::path path = locate(file, options);
    if (!fs::exists(path)) return path.string();
  }
  if (boot.file_system_at && file_system_checker().empty()) return "e2fsck";
  if (firmware == Firmware::seabios)
    for (const char* path : {kSeabios, kSeabiosVga})
      if (!fs::exists(path)) return path;
  return {};
}

std::vector<std::string> script_options(const std::vector<BootStep>& steps) {
  std::vector<std::string> options;
  for (const BootStep& step : steps) {
    options.emplace_back(step.kind == BootStep::Kind::expect ? "--expect" : "--type");
    options.emplace_back(step.text);
  }
  return options;
}

// What differs from a program's exit code `wanted`, with its command line and the end of its output; empty if nothing.
std::string run_checked(const fs::path& program, const std::vector<std::string>& arguments, int wanted,
                        const fs::path& output) {
  const int code = run_program(program, arguments, output);
  if (code == wanted) return {};
  std::string command = program.filename().string();
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  return fmt::format("exit code {}, not {}\n{}\nits output ends:\n{}", code, wanted, command, last_lines(output));
}

CaseResult run_boot(const BootCase& boot, Firmware firmware, const Options& options) {
  if (options.self_check) return skipped("boots need one of Penumbra's engines");
  if (const std::string missing = missing_file(boot, firmware, options); !missing.empty())
    return skipped(fmt::format("{} is missing", missing));
  const ScratchFolder scratch;
  std::vector<std::string> machine{"run", "--engine", options.engine, "--display", "none", "--screen-text"};
  machine.insert(machine.end(), options.translator_words.begin(), options.translator_words.end());
  std::vector<fs::path> media;
  for (const BootFile& file : boot.files) {
    const fs::path from = locate(file, options);
    media.push_back(scratch.path() / from.filename());
    copy_medium(from, media.back());
    machine.insert(machine.end(), {std::string(file.option), media.back().string()});
  }
  for (const std::string_view option : boot.options) machine.emplace_back(option);
  if (firmware == Firmware::seabios) machine.insert(machine.end(), {"--bios", kSeabios, "--vgabios", kSeabiosVga});
  // Below the runner's own limit, so that a failure shows the guest's screen.
  const unsigned boots = boot.next_steps.empty() ? 1 : 2;
  const unsigned limit = options.timeout ? std::max(options.timeout * 9 / 10 / boots, 1u) : boot.timeout;
  machine.insert(machine.end(), {"--timeout", std::to_string(limit)});
  const fs::path picture = scratch.path() / "screen.png";
  if (boot.picture_bytes) machine.insert(machine.end(), {"--screenshot", picture.string()});

  const fs::path output = scratch.path() / "output.txt";
  for (const std::vector<BootStep>* steps : {&boot.steps, &boot.next_steps}) {
    if (steps == &boot.next_steps && steps->empty()) break;
    std::vector<std::string> arguments = machine;
    std::ranges::move(script_options(*steps), std::back_inserter(arguments));
    std::string wrong = run_checked(options.executable, arguments, boot.exit_code, output);
    if (!wrong.empty()) return failed((steps == &boot.next_steps ? "second boot: " : "") + wrong);
  }
  if (boot.picture_bytes) {
    std::error_code error;
    const auto bytes = fs::file_size(picture, error);
    if (error || bytes < boot.picture_bytes)
      return failed(fmt::format("the screenshot has {} bytes, fewer than {}: an empty screen", error ? 0 : bytes,
                                boot.picture_bytes));
  }
  if (boot.file_system_at) {
    const std::string volume = fmt::format("{}?offset={}", media.front().string(), boot.file_system_at);
    if (std::string wrong = run_checked(file_system_checker(), {"-f", "-n", volume}, 0, output); !wrong.empty())
      return failed("the file system is not clean: " + wrong);
  }
  return passed();
}

}  // namespace

Suite boot_suite(const Options&) {
  Suite suite{"boot", {}};
  for (const Firmware firmware : {Firmware::own, Firmware::seabios}) {
    for (const BootCase& boot : boot_cases()) {
      if (firmware == Firmware::seabios && !boot.seabios) continue;
      suite.cases.push_back({fmt::format("{}/{}", firmware == Firmware::own ? "penumbra-bios" : "seabios", boot.name),
                             [&boot, firmware](const Options& options) { return run_boot(boot, firmware, options); },
                             boot.quick, boot.timeout * (boot.next_steps.empty() ? 1 : 2) + 30});
    }
  }
  return suite;
}

}  // namespace penumbra::conformance
