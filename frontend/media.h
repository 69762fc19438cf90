// The removable drives and the media that go into them one after the other.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/guest.h"
#include "frontend/run_settings.h"

namespace penumbra {

class Media {
 public:
  Media(const RunSettings& settings, Guest& guest);

  // "floppy0", "floppy1", "cd" ("cd3" for a CD drive at IDE index 3); also fda, fdb, cdrom, a:, b:.
  // All of these throw ConfigError for a drive that is not there or an image that is no good, and then leave the
  // medium as it was; the answer says in a sentence what happened.
  std::string change(std::string_view drive, const std::string& path);
  // Takes the medium out and puts in the next one of the drive's list, if it has another.
  std::string eject(std::string_view drive);
  // Ctrl+Alt+E: the first drive with more than one medium in its list, or else the CD, or else the floppy.
  std::string next();
  // A file dropped on the window: .iso or more than 3 MB is a CD, anything else a floppy.
  std::string drop(const std::string& path);

  std::string describe() const;

 private:
  struct Drive {
    std::string name;
    bool floppy;
    unsigned index;
    std::vector<DriveConfig> list;
    std::size_t at = 0;
    std::string path;  // what is in it; empty: nothing
  };

  Drive& named(std::string_view name);
  Drive* first(bool floppy);
  void put(Drive& drive, DriveConfig medium);

  Guest& guest_;
  bool read_only_;
  std::vector<Drive> drives_;
};

}  // namespace penumbra
