// A floppy drive: the disk in it, the head over it, and the disk change line.
#pragma once

#include <memory>
#include <span>

#include "core/base/state.h"
#include "core/platform/block_device.h"
#include "devices/floppy_geometry.h"

namespace penumbra {

class FloppyDrive {
 public:
  static constexpr u32 kSectorBytes = 512;
  static constexpr u8 kLastCylinder = 85;  // the head carriage's stop

  // Puts a drive on the cable. Its type follows from the disk, 1.44 MB if there is none, and stays.
  void install(std::unique_ptr<BlockDevice> medium);
  // Null takes the disk out. Both make the drive report a disk change.
  void change_medium(std::unique_ptr<BlockDevice> medium);

  bool present() const { return type_ != FloppyType::none; }
  bool loaded() const { return medium_ != nullptr; }
  FloppyType type() const { return type_; }
  bool write_protected() const { return medium_ && medium_->read_only(); }
  bool at_track_0() const { return present() && cylinder_ == 0; }
  bool changed() const { return present() && changed_; }
  u8 cylinder() const { return cylinder_; }

  // Steps outwards to cylinder 0 or inwards; a step with a disk in the drive resets the change line.
  void step(int by);

  // What the head finds at this data rate: no disk, an empty side or the wrong rate have no address marks.
  bool readable(unsigned head, DataRate rate) const;
  // The cylinder that the sectors' ID fields name, where the head stands. A 1.2 MB drive passes two of its own
  // cylinders for each one of a disk with 40.
  u8 disk_cylinder() const;
  const FloppyGeometry& geometry() const { return *geometry_; }

  // A sector of the present cylinder, numbered from 1 and inside of the geometry. False if the host failed.
  bool read(unsigned head, unsigned sector, std::span<u8> to);
  bool write(unsigned head, unsigned sector, std::span<const u8> from);

  void visit(State& state);

 private:
  u64 offset(unsigned head, unsigned sector) const;

  std::unique_ptr<BlockDevice> medium_;
  const FloppyGeometry* geometry_ = &floppy_geometry(1'474'560);
  FloppyType type_ = FloppyType::none;
  u8 cylinder_ = 0;
  bool changed_ = true;
};

}  // namespace penumbra
