// The guest's memory file where the host has no memfd.
#include "mmu/machine_memory.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/error.h"

namespace penumbra {
namespace {

TEST_CASE("an unlinked temporary file does what a memory file has to") {
  constexpr u64 kBytes = 1 << 20;
  const int file = open_unlinked_file(kBytes, "test");
  struct stat status;
  REQUIRE(fstat(file, &status) == 0);
  CHECK(status.st_nlink == 0);
  CHECK(status.st_size == static_cast<off_t>(kBytes));
  CHECK((fcntl(file, F_GETFD) & FD_CLOEXEC) != 0);
  // Two mappings are the same memory, and a hole reads as zeros.
  const auto map = [&] {
    void* at = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    REQUIRE(at != MAP_FAILED);
    return static_cast<u8*>(at);
  };
  u8 *first = map(), *second = map();
  CHECK(second[0x3000] == 0);
  first[0x3000] = 0x5A;
  CHECK(second[0x3000] == 0x5A);
  REQUIRE(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0x3000, 0x1000) == 0);
  CHECK(second[0x3000] == 0);
  munmap(first, kBytes);
  munmap(second, kBytes);
  close(file);
}

TEST_CASE("a temporary file that no file system has room for is refused with its size") {
  CHECK_THROWS_WITH_AS(open_unlinked_file(u64{1} << 60, "guest memory"), doctest::Contains("1152921504606846976 bytes"),
                       HostError);
}

}  // namespace
}  // namespace penumbra
