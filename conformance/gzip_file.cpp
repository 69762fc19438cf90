// Decompression by zlib.
#include "conformance/gzip_file.h"

#include <zlib.h>

#include <memory>

#include "core/base/error.h"

namespace penumbra::conformance {

std::vector<u8> read_gzip(const std::filesystem::path& file) {
  const auto close = [](gzFile_s* open) { gzclose(open); };
  const std::unique_ptr<gzFile_s, decltype(close)> in(gzopen(file.c_str(), "rb"), close);
  if (!in) throw host_error(file.string());
  std::vector<u8> content;
  constexpr size_t kChunk = 1 << 20;
  while (true) {
    const size_t before = content.size();
    content.resize(before + kChunk);
    const int n = gzread(in.get(), &content[before], kChunk);
    if (n < 0) throw HostError(fmt::format("{}: damaged gzip file", file.string()));
    content.resize(before + static_cast<size_t>(n));
    if (n == 0) return content;
  }
}

}  // namespace penumbra::conformance
