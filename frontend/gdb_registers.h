// The i386 register file as gdb numbers and lays it out.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/base/types.h"
#include "frontend/debug_target.h"

namespace penumbra {

// What qXfer:features:read:target.xml answers.
std::string gdb_target_xml();

// The registers of `gdb_target_xml`, in its order.
inline constexpr unsigned kGdbRegisterCount = 16 + 8 + 8 + 8 + 1;

// One register's bytes, little endian.
std::vector<u8> gdb_register(const DebugRegisters& registers, unsigned number);
// Sets one; false if the number or the size does not fit.
bool set_gdb_register(DebugRegisters& registers, unsigned number, std::span<const u8> bytes);
std::size_t gdb_register_size(unsigned number);

}  // namespace penumbra
