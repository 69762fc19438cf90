// Readers of recorded vectors: a packed real-mode test made by hand, TestFloat's text, damaged input; and the judges.
#include <doctest/doctest.h>

#include "conformance/bare_processor.h"
#include "conformance/processor_subject.h"
#include "conformance/segments.h"
#include "conformance/sst_vectors.h"
#include "conformance/testfloat_vectors.h"

using namespace penumbra;
using namespace penumbra::conformance;

namespace {

class Packer {
 public:
  template <class T>
  Packer& put(T value) {
    const auto* at = reinterpret_cast<const u8*>(&value);
    bytes_.insert(bytes_.end(), at, at + sizeof value);
    return *this;
  }
  Packer& put_bytes(std::initializer_list<u8> bytes) {
    bytes_.insert(bytes_.end(), bytes);
    return *this;
  }
  const std::vector<u8>& bytes() const { return bytes_; }

 private:
  std::vector<u8> bytes_;
};

// INC AX at 1000h:0100h, as the packed format has it.
std::vector<u8> increment_file(u16 expected) {
  Packer record;
  record.put<u32>(7).put<u32>(0xFFFF).put<u8>(0xFF).put<u32>(0);
  record.put<u8>(2).put_bytes({0x40, 0xF4});
  record.put<u32>(0x3FFF);
  for (const u16 value : {0x1234, 0, 0, 0, 0x1000, 0x2000, 0x3000, 0x3000, 0x100, 0, 0, 0, 0x100, 0x0006})
    record.put<u16>(value);
  record.put<u32>(1 << kAx | 1 << kIp).put<u16>(expected).put<u16>(0x102);
  record.put<u16>(1).put<u32>(0x10100).put<u8>(2).put_bytes({0x40, 0xF4});
  record.put<u16>(1).put<u32>(0x10100).put<u8>(1).put_bytes({0x40});
  Packer file;
  file.put_bytes({'S', 'S', 'T', 'C', 1, 2}).put<u16>(1).put<u32>(0xFFFF);
  file.put_bytes({'4', '0', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
  file.put<u32>(static_cast<u32>(record.bytes().size()));
  std::vector<u8> all = file.bytes();
  all.insert(all.end(), record.bytes().begin(), record.bytes().end());
  return all;
}

}  // namespace

TEST_CASE("real-mode vectors: a test is read, runs, and a wrong expectation is named") {
  const SstFile right = parse_sst(increment_file(0x1235), "made by hand");
  CHECK(right.form == "40");
  REQUIRE(right.tests.size() == 1);
  CHECK(right.tests[0].index == 7);
  CHECK(right.tests[0].initial[kRealCs] == 0x1000);
  CHECK(right.tests[0].final[kAx] == 0x1235);
  CHECK_FALSE(right.tests[0].final[kBx].has_value());
  const auto subject = processor_real_mode("p4", EngineKind::interpreter);
  CHECK(run_sst(right, right.tests[0], *subject) == "");
  const SstFile wrong = parse_sst(increment_file(0x1236), "made by hand");
  CHECK(run_sst(wrong, wrong.tests[0], *subject).find("ax: 1235, not 1236") != std::string::npos);
}

TEST_CASE("real-mode vectors: damaged files are refused") {
  std::vector<u8> bytes = increment_file(0x1235);
  std::vector<u8> cut(bytes.begin(), bytes.end() - 3);
  CHECK_THROWS_AS(parse_sst(cut, "cut"), ConfigError);
  bytes[0] = 'X';
  CHECK_THROWS_AS(parse_sst(bytes, "magic"), ConfigError);
}

TEST_CASE("real-mode vectors: what a 386 does otherwise is left out or masked") {
  SstFile file = parse_sst(increment_file(0x1235), "made by hand");
  SstTest test = file.tests[0];
  CHECK(sst_not_applicable(file, test).empty());
  CHECK(sst_flags_mask(file, test) == 0x0FFF);
  test.code = {0xF0, 0x40, 0xF4};
  CHECK_FALSE(sst_not_applicable(file, test).empty());
  test.code = {0xD3, 0xE0, 0xF4};
  file.form = "D3.4";
  CHECK((sst_flags_mask(file, test) & 0x800) == 0);
}

TEST_CASE("TestFloat: sections and vectors are read, and judged by an engine") {
  const auto sections = parse_testfloat(
      "@ f32_add 80 rne\n3F800000 3F800000 40000000 00\n3F800000 3F800000 40000001 00\n"
      "@ extF80_div 80 rne\n3FFF8000000000000000 00000000000000000000 7FFF8000000000000000 08\n");
  REQUIRE(sections.size() == 2);
  CHECK(sections[0].name() == "f32_add.80.rne");
  CHECK(sections[0].vectors.size() == 2);
  CHECK(sections[1].vectors[0].a.high == 0x3FFF);
  CHECK(sections[1].vectors[0].flags == 8);
  const auto subject = processor_subject("p4", EngineKind::interpreter);
  CHECK(run_testfloat(sections[0], *subject).find("1 of 2 vectors differ") != std::string::npos);
  CHECK(run_testfloat(sections[1], *subject) == "");
}

TEST_CASE("TestFloat: nonsense is refused with its line") {
  CHECK_THROWS_AS(parse_testfloat("3F800000 3F800000 00\n"), ConfigError);
  CHECK_THROWS_AS(parse_testfloat("@ f32_add 80 rne\n3F80000G 3F800000 40000000 00\n"), ConfigError);
  CHECK_THROWS_AS(parse_testfloat("@ f32_add\n"), ConfigError);
}

TEST_CASE("interpreter subject: results, faults and segments come back as the host's do") {
  const auto subject = processor_subject("p4", EngineKind::interpreter);
  UserState in;
  in.eip = kCodeBase + 0x40;
  in.selector = {kFlatData, kFlatCode, kFlatData, local_selector(kLdtBoundedData), kFlatData, 0};
  in.gpr[kEax] = 0xFFFFFFFF;
  in.gpr[kEsp] = kDataBase + 0x100;
  Arena arena;
  store<u32>(&arena.bytes[0x10], 77);
  const std::array<u8, 3> add{0x83, 0xC0, 0x01};
  Outcome out = subject->run(in, add, in.eip, Ending::straight, arena);
  CHECK(out.vector == Outcome::kFinished);
  CHECK(out.state.gpr[kEax] == 0);
  CHECK(out.state.eip == in.eip + 3);
  CHECK((out.state.eflags & 0x8D5) == 0x55);
  const std::array<u8, 5> load_it{0xA1, 0x10, 0, 0, 0};
  out = subject->run(in, load_it, in.eip, Ending::straight, arena);
  CHECK(out.state.gpr[kEax] == 77);
  CHECK(out.state.selector == in.selector);
  const std::array<u8, 5> beyond{0xA1, 0xFE, 0x1F, 0, 0};
  out = subject->run(in, beyond, in.eip, Ending::straight, arena);
  CHECK(out.vector == 13);
  const std::array<u8, 2> push_low{0x50, 0x90};
  in.gpr[kEsp] = kDataBase;
  out = subject->run(in, push_low, in.eip, Ending::straight, arena);
  CHECK(out.vector == 14);
  CHECK(out.cr2 == kDataBase - 4);
  CHECK(out.error_code == 6);
}
