// Starts the program as a child process on copies of the media and judges its exit code.
#include "conformance/boot_suite.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <iterator>

#include "conformance/boot_cases.h"
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

// Runs a program with its output in a file; answers its exit code, or 128 + the signal that ended it.
int run_program(const fs::path& program, const std::vector<std::string>& arguments, const fs::path& output) {
  std::vector<char*> argv;
  std::string name = program.string();
  argv.push_back(name.data());
  std::vector<std::string> copies = arguments;
  for (std::string& argument : copies) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const pid_t child = fork();
  if (child < 0) throw host_error("fork");
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const int out = open(output.c_str(), O_CREAT | O_WRONLY | O_TRUNC, 0600);
    const int in = open("/dev/null", O_RDONLY);
    dup2(in, 0);
    dup2(out, 1);
    dup2(out, 2);
    execv(name.c_str(), argv.data());
    _exit(127);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw host_error("waitpid");
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::string last_lines(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(in), {});
  size_t at = text.size();
  for (size_t lines = 0; at > 0 && lines <= kShownLines; --at)
    if (text[at - 1] == '\n') ++lines;
  return text.substr(at);
}

// A file of the media folder or of an installed package; else what scripts/fetch-boot-media.sh fetched for this build.
fs::path locate(const BootFile& file, const Options& options) {
  fs::path path = options.media / file.file;  // an absolute name stays what it is
  if (fs::exists(path)) return path;
  std::error_code error;
  const fs::path program = fs::canonical(options.executable, error);
  const fs::path fetched = program.parent_path().parent_path() / "media" / path.filename();
  return !error && fs::exists(fetched) ? fetched : path;
}

std::string missing_file(const BootCase& boot, Firmware firmware, const Options& options) {
  for (const BootFile& file : boot.files) {
    const fs::path path = locate(file, options);
    if (!fs::exists(path)) return path.string();
  }
  if (firmware == Firmware::seabios)
    for (const char* path : {kSeabios, kSeabiosVga})
      if (!fs::exists(path)) return path;
  return {};
}

CaseResult run_boot(const BootCase& boot, Firmware firmware, const Options& options) {
  if (options.self_check) return skipped("boots need one of Penumbra's engines");
  if (const std::string missing = missing_file(boot, firmware, options); !missing.empty())
    return skipped(fmt::format("{} is missing", missing));
  const ScratchFolder scratch;
  std::vector<std::string> arguments{"run", "--display", "none", "--screen-text"};
  for (const BootFile& file : boot.files) {
    const fs::path from = locate(file, options);
    const fs::path to = scratch.path() / from.filename();
    fs::copy_file(from, to);
    fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
    arguments.insert(arguments.end(), {std::string(file.option), to.string()});
  }
  for (const std::string_view option : boot.options) arguments.emplace_back(option);
  if (firmware == Firmware::seabios) arguments.insert(arguments.end(), {"--bios", kSeabios, "--vgabios", kSeabiosVga});
  const unsigned limit = options.timeout ? std::min(options.timeout, boot.timeout) : boot.timeout;
  arguments.insert(arguments.end(), {"--timeout", std::to_string(limit)});
  const fs::path picture = scratch.path() / "screen.png";
  if (boot.picture_bytes) arguments.insert(arguments.end(), {"--screenshot", picture.string()});
  for (const BootStep& step : boot.steps) {
    arguments.emplace_back(step.kind == BootStep::Kind::expect ? "--expect" : "--type");
    arguments.emplace_back(step.text);
  }

  const fs::path output = scratch.path() / "output.txt";
  const int code = run_program(options.executable, arguments, output);
  std::string command = "penumbra";
  for (const std::string& argument : arguments) command += " '" + argument + "'";
  const auto failure = [&](const std::string& what) {
    return failed(fmt::format("{}\n{}\nits output ends:\n{}", what, command, last_lines(output)));
  };
  if (code != boot.exit_code) return failure(fmt::format("exit code {}, not {}", code, boot.exit_code));
  if (boot.picture_bytes) {
    std::error_code error;
    const auto bytes = fs::file_size(picture, error);
    if (error || bytes < boot.picture_bytes)
      return failure(fmt::format("the screenshot has {} bytes, fewer than {}: an empty screen", error ? 0 : bytes,
                                 boot.picture_bytes));
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
                             boot.quick, boot.timeout + 30});
    }
  }
  return suite;
}

}  // namespace penumbra::conformance
