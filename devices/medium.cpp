// Opening media: every image is raw so far.
#include "devices/medium.h"

#include "devices/raw_image.h"

namespace penumbra {

std::unique_ptr<BlockDevice> open_medium(const std::string& path, bool read_only) {
  return std::make_unique<RawImage>(path, read_only ? ImageAccess::read_only : ImageAccess::read_write);
}

}  // namespace penumbra
