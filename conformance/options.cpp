// Parsing of the command line, and the places where test data is looked for.
#include "conformance/options.h"

#include <fnmatch.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <thread>

#include "core/base/error.h"

namespace penumbra::conformance {
namespace {

u64 parse_number(std::string_view option, std::string_view text) {
  u64 value = 0;
  const int base = text.starts_with("0x") ? 16 : 10;
  if (base == 16) text.remove_prefix(2);
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty())
    throw ConfigError(fmt::format("{}: a number is expected, not '{}'", option, text));
  return value;
}

void parse_shard(Options& options, std::string_view text) {
  const size_t slash = text.find('/');
  if (slash == std::string_view::npos) throw ConfigError("--shard: I/N is expected, as in 1/4");
  options.shard = static_cast<unsigned>(parse_number("--shard", text.substr(0, slash)));
  options.shards = static_cast<unsigned>(parse_number("--shard", text.substr(slash + 1)));
  if (options.shards == 0 || options.shard == 0 || options.shard > options.shards)
    throw ConfigError("--shard: I/N needs 1 <= I <= N");
}

// Test data of other people lives outside of the repository: in $PENUMBRA_SHARED, or in a folder "shared" beside the
// checkout that is worked in, or beside the one that this program was built in.
std::filesystem::path shared_folder() {
  namespace fs = std::filesystem;
  if (const char* shared = std::getenv("PENUMBRA_SHARED")) return shared;
  const fs::path beside = fs::path("..") / "shared";
  std::error_code error;
  if (fs::is_directory(beside, error)) return beside;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (fs::path folder = program.parent_path(); folder.has_relative_path(); folder = folder.parent_path())
    if (fs::is_directory(folder / "shared", error)) return folder / "shared";
  return beside;
}

}  // namespace

std::string_view usage() {
  return R"(penumbra conform [options] [filter ...]: run the conformance suites

  --list            print the names of the chosen cases and stop
  --filter PATTERN  only these cases: a glob over "suite/case", or a part of it; repeatable
  --jobs N          cases run at the same time (default: one a processor)
  --shard I/N       every N-th case, beginning with the I-th
  --quick           the smaller set for continuous integration
  --seed S          start of all random states (default 1)
  --cases N         random states an instruction row (default 20000; 300 with --quick)
  --timeout S       seconds a case, in place of each case's own limit
  --engine NAME     what runs guest code: interpreter (default), translator, or lockstep (both, compared)
  --mmu KIND        how translated code reaches memory: windows (default), registers or soft
  --translator SETTING  stress, as of "penumbra run": block=1, cache=1M, tlb=1, spaces=1, forget ...; repeatable
  --self-check      CPU suites run the host CPU in place of the engine: checks the suites themselves
  --junit FILE      write a JUnit report
  --tap FILE        write a TAP report
  --vectors DIR     recorded CPU vectors (default: in $PENUMBRA_SHARED, else in ../shared)
  --media DIR       guest OS media (default: in $PENUMBRA_SHARED, else in ../shared)
  --penumbra FILE   the program that the boot suite starts (default: this one)
  --stop-at-failure start no more cases once one has failed
  --verbose         print passed cases too

Exit code: 0 what ran passed, 1 something failed, 2 bad usage, 3 nothing ran.
)";
}

Options parse_options(std::span<const std::string> arguments) {
  Options options;
  options.jobs = std::max(1u, std::thread::hardware_concurrency());
  options.vectors = shared_folder() / "vectors";
  options.media = shared_folder() / "media";
  options.executable = "/proc/self/exe";
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const auto value = [&]() -> const std::string& {
      if (++i >= arguments.size()) throw ConfigError(fmt::format("{}: a value is expected", option));
      return arguments[i];
    };
    const auto count = [&](u64 least, u64 most) {
      const u64 n = parse_number(option, value());
      if (n < least || n > most) throw ConfigError(fmt::format("{}: {} to {} is expected", option, least, most));
      return n;
    };
    if (option == "--list") {
      options.list = true;
    } else if (option == "--filter") {
      options.filters.push_back(value());
    } else if (option == "--jobs") {
      options.jobs = static_cast<unsigned>(count(1, 1024));
    } else if (option == "--shard") {
      parse_shard(options, value());
    } else if (option == "--seed") {
      options.seed = parse_number(option, value());
    } else if (option == "--cases") {
      options.cases = count(1, 1'000'000'000);
    } else if (option == "--timeout") {
      options.timeout = static_cast<unsigned>(count(1, 86'400));
    } else if (option == "--quick") {
      options.quick = true;
    } else if (option == "--verbose") {
      options.verbose = true;
    } else if (option == "--self-check") {
      options.self_check = true;
    } else if (option == "--stop-at-failure") {
      options.keep_going = false;
    } else if (option == "--engine") {
      options.engine = value();
      if (options.engine != "interpreter" && options.engine != "translator" && options.engine != "lockstep")
        throw ConfigError(
            fmt::format("--engine: interpreter, translator or lockstep is expected, not '{}'", options.engine));
    } else if (option == "--mmu") {
      const std::string kind = value();
      if (kind != "windows" && kind != "registers" && kind != "soft")
        throw ConfigError(fmt::format("--mmu: windows, registers or soft is expected, not '{}'", kind));
      options.translator.mmu = mmu_named(kind);
      options.translator_words.insert(options.translator_words.end(), {"--mmu", kind});
    } else if (option == "--translator") {
      const std::string setting = value();
      try {
        apply_setting(setting, options.translator);
      } catch (const ConfigError& e) {
        throw ConfigError(fmt::format("--translator: {}", e.what()));
      }
      options.translator_words.insert(options.translator_words.end(), {"--translator", setting});
    } else if (option == "--junit") {
      options.junit = value();
    } else if (option == "--tap") {
      options.tap = value();
    } else if (option == "--vectors") {
      options.vectors = value();
    } else if (option == "--media") {
      options.media = value();
    } else if (option == "--penumbra") {
      options.executable = value();
    } else if (option.starts_with("-")) {
      throw ConfigError(fmt::format("unknown option {}", option));
    } else {
      options.filters.push_back(option);
    }
  }
  return options;
}

bool selected(const Options& options, const std::string& full_name) {
  if (options.filters.empty()) return true;
  for (const std::string& filter : options.filters) {
    const bool glob = filter.find_first_of("*?[") != std::string::npos;
    if (glob ? fnmatch(filter.c_str(), full_name.c_str(), 0) == 0 : full_name.find(filter) != std::string::npos)
      return true;
  }
  return false;
}

}  // namespace penumbra::conformance
