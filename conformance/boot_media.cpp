// Files and programs of the host for boot runs.
#include "conformance/boot_media.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <vector>

#include "core/base/error.h"

namespace penumbra::conformance {

namespace fs = std::filesystem;

fs::path locate(const BootFile& file, const Options& options) {
  fs::path path = options.media / file.file;  // an absolute name stays what it is
  if (fs::exists(path)) return path;
  std::error_code error;
  const fs::path program = fs::canonical(options.executable, error);
  const fs::path fetched = program.parent_path().parent_path() / "media" / path.filename();
  return !error && fs::exists(fetched) ? fetched : path;
}

void copy_medium(const fs::path& from, const fs::path& to) {
  std::ifstream in(from, std::ios::binary);
  if (!in) throw host_error(from.string());
  std::ofstream out(to, std::ios::binary | std::ios::trunc);
  std::vector<char> block(1 << 16);
  while (in && out) {
    in.read(block.data(), static_cast<std::streamsize>(block.size()));
    const std::streamsize length = in.gcount();
    if (std::all_of(block.begin(), block.begin() + length, [](char byte) { return byte == 0; }))
      out.seekp(length, std::ios::cur);
    else
      out.write(block.data(), length);
  }
  out.close();
  if (!in.eof()) throw host_error(from.string());
  if (!out) throw host_error(to.string());
  fs::resize_file(to, fs::file_size(from));  // a hole at the end
  fs::permissions(to, fs::perms::owner_read | fs::perms::owner_write);
}

fs::path file_system_checker() {
  for (const char* path : {"/usr/sbin/e2fsck", "/sbin/e2fsck", "/usr/bin/e2fsck"})
    if (fs::exists(path)) return path;
  return {};
}

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

}  // namespace penumbra::conformance
