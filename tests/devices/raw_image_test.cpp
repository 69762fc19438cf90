// Raw images: what is written is in the file, what cannot be opened is refused with a reason, and one writer at a time.
#include "devices/raw_image.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <vector>

#include "core/base/error.h"
#include "devices/medium.h"

namespace penumbra {
namespace {

namespace fs = std::filesystem;

// A directory of its own that goes away with the test.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "penumbra-image-XXXXXX").string();
    path = ::mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path); }
  std::string file(const char* name, std::size_t bytes, char fill = 'a') const {
    std::ofstream(path / name, std::ios::binary) << std::string(bytes, fill);
    return (path / name).string();
  }
};

std::string message_of(const std::string& path, ImageAccess access) {
  try {
    RawImage image(path, access);
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("what is written is in the file when write returns") {
  Folder folder;
  const std::string path = folder.file("disk", 4096);
  RawImage image(path, ImageAccess::read_write);
  CHECK(image.bytes() == 4096);
  CHECK_FALSE(image.read_only());
  const std::vector<u8> data(700, 0x5a);
  CHECK(image.write(1000, data));
  std::string content(4096, 0);
  std::ifstream(path, std::ios::binary).read(content.data(), 4096);
  CHECK(content[999] == 'a');
  CHECK(content[1000] == 0x5a);
  CHECK(content[1699] == 0x5a);
  CHECK(content[1700] == 'a');
  CHECK(image.flush());
  std::vector<u8> back(700);
  CHECK(image.read(1000, back));
  CHECK(back == data);
}

TEST_CASE("requests outside of the image fail, whatever their numbers") {
  Folder folder;
  RawImage image(folder.file("disk", 1024), ImageAccess::read_write);
  std::vector<u8> buffer(512);
  CHECK(image.read(512, buffer));
  CHECK_FALSE(image.read(513, buffer));
  CHECK_FALSE(image.read(~u64{0} - 100, buffer));
  CHECK_FALSE(image.write(1024, buffer));
  CHECK(image.read(1024, {}));
}

TEST_CASE("a size that is no multiple of 512 is padded with zeros and grows when written") {
  Folder folder;
  const std::string path = folder.file("odd", 1000);
  RawImage image(path, ImageAccess::read_write);
  CHECK(image.bytes() == 1024);
  std::vector<u8> sector(512, 0xff);
  CHECK(image.read(512, sector));
  CHECK(sector[487] == 'a');
  CHECK(sector[488] == 0);
  sector.assign(512, 'z');
  CHECK(image.write(512, sector));
  CHECK(fs::file_size(path) == 1024);
  std::vector<u8> back(512);
  CHECK(image.read(512, back));
  CHECK(back == sector);
}

TEST_CASE("what is no image is refused by name") {
  Folder folder;
  const std::string missing = (folder.path / "missing").string();
  CHECK(message_of(missing, ImageAccess::read_only).find(missing) != std::string::npos);
  CHECK(message_of(missing, ImageAccess::read_only).find("does not exist") != std::string::npos);
  CHECK(message_of(folder.path.string(), ImageAccess::read_only).find("directory") != std::string::npos);
  CHECK(message_of(folder.file("empty", 0), ImageAccess::read_write).find("empty") != std::string::npos);
  CHECK(message_of("/dev/null", ImageAccess::read_only).find("not a file") != std::string::npos);
  CHECK(message_of("", ImageAccess::read_only).find("empty") != std::string::npos);
  const std::string pipe = (folder.path / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(message_of(pipe, ImageAccess::read_only).find("not a file") != std::string::npos);
  if (::geteuid() != 0) {
    const std::string locked = folder.file("locked", 512);
    fs::permissions(locked, fs::perms::owner_read);
    CHECK(message_of(locked, ImageAccess::read_write).find("read-only") != std::string::npos);
    CHECK(message_of(locked, ImageAccess::read_only).empty());
  }
}

TEST_CASE("one writer or many readers") {
  Folder folder;
  const std::string path = folder.file("disk", 512);
  {
    RawImage writer(path, ImageAccess::read_write);
    CHECK(message_of(path, ImageAccess::read_write).find("in use") != std::string::npos);
    CHECK(message_of(path, ImageAccess::read_only).find("in use") != std::string::npos);
  }
  RawImage reader(path, ImageAccess::read_only);
  CHECK(message_of(path, ImageAccess::read_only).empty());
  CHECK(message_of(path, ImageAccess::read_write).find("in use") != std::string::npos);
}

TEST_CASE("a read-only image takes no writes") {
  Folder folder;
  const std::unique_ptr<BlockDevice> image = open_medium(folder.file("iso", 2048), true);
  CHECK(image->read_only());
  CHECK_FALSE(image->write(0, std::vector<u8>(512)));
  CHECK(image->flush());
}

TEST_CASE("a host that has no room fails the write and nothing else") {
  Folder folder;
  const std::string path = folder.file("sparse", 1);
  fs::resize_file(path, 1 << 20);
  RawImage image(path, ImageAccess::read_write);
  // The limit on file sizes stands in for a full disk: the kernel takes a part and refuses the rest.
  struct rlimit before {};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit low { 300'000, before.rlim_max };
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &low) == 0);
  const bool written = image.write(0, std::vector<u8>(1 << 19, 'x'));
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, old);
  CHECK_FALSE(written);
  std::vector<u8> sector(512);
  CHECK(image.read(0, sector));
  CHECK(sector[0] == 'x');
  CHECK(image.write(0, std::vector<u8>(1 << 19, 'y')));
}

TEST_CASE("an image that is cut short behind our back is an error, not zeros") {
  Folder folder;
  const std::string path = folder.file("disk", 4096);
  RawImage image(path, ImageAccess::read_only);
  fs::resize_file(path, 1024);
  std::vector<u8> sector(512);
  CHECK(image.read(512, sector));
  CHECK_FALSE(image.read(2048, sector));
}

}  // namespace
}  // namespace penumbra
