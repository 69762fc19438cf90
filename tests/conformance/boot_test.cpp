// The boot suite as data: names are unique, a missing medium is a skipped case, and a program's exit code decides.
#include <doctest/doctest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <string>

#include "conformance/boot_cases.h"
#include "conformance/boot_media.h"
#include "conformance/boot_suite.h"

using namespace penumbra::conformance;
namespace fs = std::filesystem;

namespace {

const Case& case_named(const Suite& suite, const std::string& name) {
  for (const Case& test : suite.cases)
    if (test.name == name) return test;
  FAIL("no case ", name);
  return suite.cases.front();
}

// A media folder with one file in it, and a program of our own in Penumbra's place.
class Stage {
 public:
  explicit Stage(const char* medium) : folder_(fs::temp_directory_path() / "penumbra-boot-test") {
    fs::create_directories(folder_);
    std::ofstream(folder_ / medium) << "medium";
  }
  ~Stage() { fs::remove_all(folder_); }

  const fs::path& folder() const { return folder_; }
  CaseResult run(const std::string& name, const std::string& script) const {
    const fs::path program = folder_ / "program";
    std::ofstream(program) << "#!/bin/sh\n" << script << '\n';
    fs::permissions(program, fs::perms::owner_all);
    Options options;
    options.media = folder_;
    options.executable = program;
    return case_named(boot_suite({}), "penumbra-bios/" + name).run(options);
  }

 private:
  fs::path folder_;
};

}  // namespace

TEST_CASE("boot cases: unique names, something to check in each") {
  std::set<std::string_view> names;
  for (const BootCase& boot : boot_cases()) {
    CHECK(names.insert(boot.name).second);
    CHECK_FALSE(boot.files.empty());
    CHECK((!boot.steps.empty() || boot.picture_bytes > 0));
  }
}

TEST_CASE("boot cases: a missing medium is skipped, never passed") {
  const Suite suite = boot_suite({});
  Options options;
  options.media = "/nonexistent";
  const CaseResult result = case_named(suite, "penumbra-bios/mikeos-floppy").run(options);
  CHECK(result.verdict == Verdict::skipped);
  CHECK(result.detail.find("/nonexistent/mikeos.flp") != std::string::npos);
}

TEST_CASE("boot cases: the exit code decides, and a failure shows command and output") {
  const Stage stage("mikeos.flp");
  CHECK(stage.run("mikeos-floppy", "exit 0").verdict == Verdict::passed);
  const CaseResult failed = stage.run("mikeos-floppy", "echo \"screen: $*\"\nexit 6");
  CHECK(failed.verdict == Verdict::failed);
  CHECK(failed.detail.find("exit code 6, not 0") != std::string::npos);
  CHECK(failed.detail.find("'--expect' 'Welcome to MikeOS'") != std::string::npos);
  CHECK(failed.detail.find("screen: run --engine interpreter --display none") != std::string::npos);
}

TEST_CASE("boot cases: a second boot sees what the first one wrote, and decides as well") {
  if (file_system_checker().empty()) return;  // the case would be skipped
  const Stage stage("debian-disk.img");
  // The disk is the argument behind --hda.
  const std::string find_disk = "while [ \"$1\" != --hda ]; do shift; done\ndisk=$2\n";
  const CaseResult second =
      stage.run("debian-disk", find_disk + "grep -q booted $disk && exit 7\necho booted >> $disk");
  CHECK(second.verdict == Verdict::failed);
  CHECK(second.detail.starts_with("second boot: exit code 7, not 0"));
  const CaseResult unclean = stage.run("debian-disk", "exit 0");
  CHECK(unclean.verdict == Verdict::failed);
  CHECK(unclean.detail.starts_with("the file system is not clean"));
}

TEST_CASE("boot media: a copy is the same to its last byte, with holes for zeros, and may be written") {
  const Stage stage("mikeos.flp");
  const fs::path from = stage.folder() / "from";
  const fs::path to = stage.folder() / "to";
  constexpr size_t kLength = (8u << 20) + 7;
  std::string text(kLength, '\0');
  for (const size_t at : {size_t{0}, size_t{65535}, size_t{5u << 20}}) text[at] = 'x';
  for (const bool zeros_at_end : {true, false}) {
    if (!zeros_at_end) text.back() = 'y';
    std::ofstream(from, std::ios::binary) << text;
    fs::permissions(from, fs::perms::owner_read);
    copy_medium(from, to);
    std::ifstream in(to, std::ios::binary);
    CHECK((std::string(std::istreambuf_iterator<char>(in), {}) == text));
    struct stat found = {};
    REQUIRE(stat(to.c_str(), &found) == 0);
    CHECK(static_cast<size_t>(found.st_blocks) * 512 < kLength / 2);
    CHECK((found.st_mode & 0777) == 0600);
    fs::remove(from);
  }
}
