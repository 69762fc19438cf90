// Media, stepping and sectors of a floppy drive.
#include "devices/floppy_drive.h"

#include <algorithm>

namespace penumbra {

void FloppyDrive::install(std::unique_ptr<BlockDevice> medium) {
  change_medium(std::move(medium));
  type_ = medium_ ? geometry_->drive : FloppyType::m1_44;
}

void FloppyDrive::change_medium(std::unique_ptr<BlockDevice> medium) {
  medium_ = std::move(medium);
  if (medium_) geometry_ = &floppy_geometry(medium_->bytes());
  changed_ = true;
}

void FloppyDrive::step(int by) {
  if (!present() || by == 0) return;
  cylinder_ = static_cast<u8>(std::clamp(cylinder_ + by, 0, int{kLastCylinder}));
  if (medium_) changed_ = false;
}

u8 FloppyDrive::disk_cylinder() const {
  const bool double_step = type_ == FloppyType::m1_2 && geometry_->cylinders <= 42;
  return double_step ? cylinder_ / 2 : cylinder_;
}

bool FloppyDrive::readable(unsigned head, DataRate rate) const {
  if (!present() || !medium_) return false;
  // A 1.2 MB drive turns faster: what is 250 kbit/s elsewhere is 300 kbit/s in it.
  const bool slow = geometry_->rate == DataRate::k250 && rate == DataRate::k300;
  if (rate != geometry_->rate && !slow) return false;
  return head < geometry_->heads && disk_cylinder() < geometry_->cylinders;
}

u64 FloppyDrive::offset(unsigned head, unsigned sector) const {
  const u64 track = u64{disk_cylinder()} * geometry_->heads + head;
  return (track * geometry_->sectors + sector - 1) * kSectorBytes;
}

// An image that is shorter than its format reads as zeros behind its end and takes no writes there.
bool FloppyDrive::read(unsigned head, unsigned sector, std::span<u8> to) {
  const u64 at = offset(head, sector);
  const u64 inside = std::min<u64>(to.size(), medium_->bytes() - std::min(at, medium_->bytes()));
  std::fill(to.begin(), to.end(), u8{0});
  return inside == 0 || medium_->read(at, to.first(static_cast<std::size_t>(inside)));
}

bool FloppyDrive::write(unsigned head, unsigned sector, std::span<const u8> from) {
  const u64 at = offset(head, sector);
  return at + from.size() <= medium_->bytes() && medium_->write(at, from);
}

void FloppyDrive::visit(State& state) {
  StateSection section(state, "floppy-drive");
  state.field("cylinder", cylinder_);
  state.field("changed", changed_);
  if (state.loading()) cylinder_ = std::min(cylinder_, kLastCylinder);
}

}  // namespace penumbra
