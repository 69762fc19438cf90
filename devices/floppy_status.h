// Status bytes and registers of the floppy controller (82077AA tables 6-1 to 6-4 and section 2.1).
#pragma once

#include "core/base/types.h"

namespace penumbra::fdc {

// ST0
inline constexpr u8 kAbnormal = 0x40;
inline constexpr u8 kInvalid = 0x80;
inline constexpr u8 kReadyChanged = 0xC0;
inline constexpr u8 kSeekEnd = 0x20;
inline constexpr u8 kEquipmentCheck = 0x10;
inline constexpr u8 kHead = 0x04;

// ST1
inline constexpr u8 kEndOfCylinder = 0x80;
inline constexpr u8 kDataError = 0x20;
inline constexpr u8 kNoData = 0x04;
inline constexpr u8 kNotWritable = 0x02;
inline constexpr u8 kMissingAddressMark = 0x01;

// ST2
inline constexpr u8 kControlMark = 0x40;
inline constexpr u8 kDataErrorInData = 0x20;
inline constexpr u8 kWrongCylinder = 0x10;
inline constexpr u8 kScanHit = 0x08;
inline constexpr u8 kScanNotSatisfied = 0x04;

// ST3
inline constexpr u8 kWriteProtected = 0x40;
inline constexpr u8 kAlwaysOne = 0x28;  // ready, two sides: the chip has no such pins
inline constexpr u8 kTrack0 = 0x10;

// MSR
inline constexpr u8 kRequestForMaster = 0x80;
inline constexpr u8 kToHost = 0x40;
inline constexpr u8 kNonDma = 0x20;
inline constexpr u8 kCommandBusy = 0x10;

// DOR
inline constexpr u8 kNotReset = 0x04;
inline constexpr u8 kGate = 0x08;  // DMAGATE#: interrupt and DMA request reach the bus

// DSR
inline constexpr u8 kSoftwareReset = 0x80;
inline constexpr u8 kRateMask = 0x03;

// CONFIGURE
inline constexpr u8 kImpliedSeek = 0x40;
inline constexpr u8 kNoFifo = 0x20;
inline constexpr u8 kNoPolling = 0x10;
inline constexpr u8 kThreshold = 0x0F;

}  // namespace penumbra::fdc
