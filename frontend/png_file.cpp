// Writing PNG with libpng.
#include "frontend/png_file.h"

#include <fmt/format.h>
#include <png.h>

#include <cstdio>

#include "core/base/error.h"

namespace penumbra {

namespace {

std::vector<u8> rgb_of(const Picture& picture) {
  std::vector<u8> bytes;
  bytes.reserve(picture.pixels.size() * 3);
  for (const u32 pixel : picture.pixels) {
    bytes.push_back(static_cast<u8>(pixel >> 16));
    bytes.push_back(static_cast<u8>(pixel >> 8));
    bytes.push_back(static_cast<u8>(pixel));
  }
  return bytes;
}

}  // namespace

void write_png(const Picture& picture, const std::string& path) {
  if (picture.width == 0 || picture.height == 0) throw HostError(fmt::format("{}: there is no picture yet", path));
  const std::vector<u8> bytes = rgb_of(picture);
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = picture.width;
  image.height = picture.height;
  image.format = PNG_FORMAT_RGB;

  // libpng reports a file that cannot be opened or written in its own words, without the path.
  std::FILE* file = std::fopen(path.c_str(), "wb");
  if (file == nullptr) throw host_error(path);
  const bool written = png_image_write_to_stdio(&image, file, 0, bytes.data(), 0, nullptr) != 0;
  const bool closed = std::fclose(file) == 0;
  if (written && closed) return;
  const HostError error = written ? host_error(path) : HostError(fmt::format("{}: {}", path, image.message));
  std::remove(path.c_str());
  throw error;
}

}  // namespace penumbra
