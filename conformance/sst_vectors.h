// Real-mode tests recorded on an 80C286 (SingleStepTests), in the project's packed form: reader and judge.
#pragma once

#include <array>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "conformance/real_mode.h"

namespace penumbra::conformance {

struct SstBytes {
  u32 at;  // physical
  std::vector<u8> bytes;
};

struct SstTest {
  u32 index = 0;
  u16 flags_mask = 0xFFFF;
  u8 exception = 0xFF;      // FFh: none
  u32 pushed_flags_at = 0;  // linear address of the FLAGS word an exception pushed; 0: none
  std::vector<u8> code;     // ends with the HLT
  RealRegisters initial{};
  std::array<std::optional<u16>, kRealRegisters> final{};  // those that changed
  std::vector<SstBytes> initial_ram, final_ram;
};

struct SstFile {
  std::string form;  // opcode form: "F7.6"
  std::vector<SstTest> tests;
};

// Throws ConfigError for a file that isn't of this format.
SstFile parse_sst(const std::vector<u8>& content, const std::string& name);

// Why a 386 or later can't be held to this test, or empty.
std::string_view sst_not_applicable(const SstFile& file, const SstTest& test);
// Bits of FLAGS that are compared: a 286's, less what the manual leaves undefined.
u16 sst_flags_mask(const SstFile& file, const SstTest& test);
// Runs one test. Empty if all is as recorded, else what differs.
std::string run_sst(const SstFile& file, const SstTest& test, RealModeSubject& subject);

}  // namespace penumbra::conformance
