// The errors that are not the guest's: the host refusing something, and a person's mistake in an option or a file.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace penumbra {

// The host refused: a file, a mapping, a full disk. The text names what was tried and the host's reason.
class HostError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// An option, a machine file or an image is not what was expected. The text names it and what is expected.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "WHAT: reason" from errno as it stands now.
HostError host_error(std::string_view what);

}  // namespace penumbra
