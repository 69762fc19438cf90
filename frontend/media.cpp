// Changing media.
#include "frontend/media.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <filesystem>

#include "core/base/error.h"

namespace penumbra {

Media::Media(const RunSettings& settings, Guest& guest) : guest_(guest), read_only_(settings.read_only_images) {
  const auto add = [&](std::string name, bool floppy, unsigned index, const DriveOption& option) {
    Drive drive{.name = std::move(name), .floppy = floppy, .index = index, .list = option.media, .path = ""};
    if (!drive.list.empty()) drive.path = drive.list.front().path;
    drives_.push_back(std::move(drive));
  };
  for (unsigned i = 0; i < settings.machine.floppy.size(); ++i)
    if (settings.machine.floppy[i]) add(fmt::format("floppy{}", i), true, i, settings.floppies[i]);
  bool first_cd = true;
  // The usual place first, so that "cd" means it.
  for (const unsigned i : {kCdromDrive, 0u, 1u, 3u}) {
    if (!settings.machine.ide[i] || !settings.machine.ide[i]->cdrom) continue;
    add(first_cd ? "cd" : fmt::format("cd{}", i), false, i, settings.disks[i]);
    first_cd = false;
  }
}

Media::Drive* Media::first(bool floppy) {
  const auto found = std::find_if(drives_.begin(), drives_.end(), [&](const Drive& d) { return d.floppy == floppy; });
  return found == drives_.end() ? nullptr : &*found;
}

Media::Drive& Media::named(std::string_view name) {
  std::string wanted;
  for (const char c : name) wanted += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (wanted == "fda" || wanted == "a:" || wanted == "floppy") wanted = "floppy0";
  if (wanted == "fdb" || wanted == "b:") wanted = "floppy1";
  if (wanted == "cdrom") wanted = "cd";
  std::string known;
  for (Drive& drive : drives_) {
    if (drive.name == wanted) return drive;
    known += (known.empty() ? "" : ", ") + drive.name;
  }
  throw ConfigError(
      fmt::format("there is no removable drive '{}' (this machine has: {})", name, known.empty() ? "none" : known));
}

void Media::put(Drive& drive, DriveConfig medium) {
  medium.cdrom = !drive.floppy;
  medium.read_only |= read_only_;
  if (drive.floppy)
    guest_.change_floppy(drive.index, medium);
  else
    guest_.change_cdrom(drive.index, medium);
  drive.path = medium.path;
}

std::string Media::change(std::string_view name, const std::string& path) {
  Drive& drive = named(name);
  put(drive, {.path = path});
  return fmt::format("{}: {}", drive.name, path);
}

std::string Media::eject(std::string_view name) {
  Drive& drive = named(name);
  if (drive.list.size() < 2) {
    if (drive.path.empty()) return fmt::format("{} is empty", drive.name);
    put(drive, {});
    return fmt::format("{}: ejected", drive.name);
  }
  const std::size_t next_at = (drive.at + 1) % drive.list.size();
  put(drive, drive.list[next_at]);
  drive.at = next_at;
  return fmt::format("{}: {} ({} of {})", drive.name, drive.path, next_at + 1, drive.list.size());
}

std::string Media::next() {
  for (const Drive& drive : drives_)
    if (drive.list.size() > 1) return eject(drive.name);
  for (const bool floppy : {false, true})
    if (const Drive* drive = first(floppy); drive != nullptr && !drive->path.empty()) return eject(drive->name);
  return "no medium to eject";
}

std::string Media::drop(const std::string& path) {
  std::error_code error;
  const auto bytes = std::filesystem::file_size(path, error);
  if (error) throw ConfigError(fmt::format("{}: {}", path, error.message()));
  std::string extension = std::filesystem::path(path).extension().string();
  for (char& c : extension) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  constexpr std::uintmax_t kLargestFloppy = 3'000'000;  // 2.88 MB disks have 2,949,120 bytes
  const bool floppy = extension != ".iso" && bytes <= kLargestFloppy;
  const Drive* drive = first(floppy);
  if (drive == nullptr)
    throw ConfigError(fmt::format("{}: this machine has no {} drive", path, floppy ? "floppy" : "CD"));
  return change(drive->name, path);
}

std::string Media::describe() const {
  std::string text;
  for (const Drive& drive : drives_) {
    text += fmt::format("{}: {}\n", drive.name, drive.path.empty() ? "empty" : drive.path);
    for (std::size_t i = 0; i < drive.list.size() && drive.list.size() > 1; ++i)
      text += fmt::format("  {} {}\n", i + 1, drive.list[i].path);
  }
  return text;
}

}  // namespace penumbra
