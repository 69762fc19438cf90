// The isolation boundary: forms that could leave the window abort, in a child; those that cannot pass.
#include "translator/verifier.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "translator/assembler.h"
#include "translator/context.h"
#include "translator/string_setup.h"

namespace penumbra {
namespace {

bool aborts(std::span<const u8> code, u64 at = 0, const Thunks& thunks = {}) {
  const pid_t child = fork();
  if (child == 0) {
    // doctest's own handlers would report the signal.
    std::signal(SIGABRT, SIG_DFL);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDERR_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    verify_emitted(code, at, thunks);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) return false;
  REQUIRE(WIFSIGNALED(status));
  return WTERMSIG(status) == SIGABRT;
}

struct Form {
  std::string what;
  std::vector<u8> code;
};

TEST_CASE("accesses outside of the window are refused") {
  const Form forms[] = {
      {"mov eax, [rbx]", {0x8B, 0x03}},
      {"mov eax, [ebx] without gs", {0x67, 0x8B, 0x03}},
      {"mov eax, gs:[rbx] without 67h", {0x65, 0x8B, 0x03}},
      {"mov eax, fs:[ebx]", {0x64, 0x67, 0x8B, 0x03}},
      {"mov [absolute], eax with a sign-extended displacement", {0x65, 0x89, 0x04, 0x25, 0, 0, 0, 0x80}},
      {"mov [rip + n], eax", {0x89, 0x05, 0, 0, 0, 0}},
      {"mov gs:[rip + n], eax", {0x65, 0x89, 0x05, 0, 0, 0, 0}},
      {"mov al, [moffs64]", {0xA0, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"mov gs:[moffs64], eax", {0x65, 0xA3, 0, 0, 0, 0, 0, 0, 0, 0}},
      {"mov [r13 - 1], al", {0x41, 0x88, 0x45, 0xFF}},
      {"mov [r13 + rax], ecx", {0x41, 0x89, 0x4C, 0x05, 0}},
      {"xlat", {0xD7}},
      {"mov [r14], r15d", {0x45, 0x89, 0x3E}},
      {"mov r15, [r14]", {0x4D, 0x8B, 0x3E}},
      {"mov r15d, [r14 + 4]", {0x45, 0x8B, 0x7E, 0x04}},
      {"mov r15d, [r14 + rcx]", {0x45, 0x8B, 0x3C, 0x0E}},
      {"add r15d, [r14]", {0x45, 0x03, 0x3E}},
      {"movd xmm0, [r14]", {0x66, 0x41, 0x0F, 0x6E, 0x06}},
      {"maskmovq mm0, mm1", {0x0F, 0xF7, 0xC1}},
      {"maskmovdqu xmm0, xmm1", {0x66, 0x0F, 0xF7, 0xC1}},
      {"push rax", {0x50}},
      {"pop rax", {0x58}},
      {"pushf", {0x9C}},
      {"popf", {0x9D}},
      {"ret 4", {0xC2, 4, 0}},
      {"retf", {0xCB}},
      {"call rax", {0xFF, 0xD0}},
      {"call gs:[ebx]", {0x65, 0x67, 0xFF, 0x13}},
      {"call far gs:[ebx]", {0x65, 0x67, 0xFF, 0x1B}},
      {"mov rax, [rsp]", {0x48, 0x8B, 0x04, 0x24}},
      {"mov [rsp - 256], rax", {0x48, 0x89, 0x84, 0x24, 0x00, 0xFF, 0xFF, 0xFF}},
      {"leave", {0xC9}},
      {"enter", {0xC8, 0, 0, 0}},
      {"store to the lookup table", {0x43, 0x89, 0x04, 0xCA}},
      {"load beyond the lookup entry", {0x43, 0x8B, 0x44, 0xCA, 0x10}},
      {"stos without its set-up", {0xAA}},
      {"rep movs without its set-up", {0xF3, 0xA4}},
      {"stos with a foreign 67h", {0x67, 0xAA}},
      {"fxsave [rbx]", {0x0F, 0xAE, 0x03}},
      {"bt [rbx], eax", {0x0F, 0xA3, 0x03}},
  };
  for (const Form& form : forms) CHECK_MESSAGE(aborts(form.code), form.what);
}

TEST_CASE("the emulator's own registers, segments and system state are refused") {
  const Form forms[] = {
      {"mov rsp, rax", {0x48, 0x89, 0xC4}},
      {"mov esp, eax", {0x89, 0xC4}},
      {"mov sp, ax", {0x66, 0x89, 0xC4}},
      {"mov spl, al", {0x40, 0x88, 0xC4}},
      {"add esp, 4", {0x83, 0xC4, 0x04}},
      {"xchg eax, esp", {0x94}},
      {"mov r13, rax", {0x49, 0x89, 0xC5}},
      {"mov r13d, eax", {0x41, 0x89, 0xC5}},
      {"mov r13b, al", {0x41, 0x88, 0xC5}},
      {"bswap r13d", {0x41, 0x0F, 0xCD}},
      {"cmovz r13d, eax", {0x44, 0x0F, 0x44, 0xE8}},
      {"mov r14, rax", {0x49, 0x89, 0xC6}},
      {"lea r14d, [r14 - 1]", {0x45, 0x8D, 0x76, 0xFF}},
      {"xchg eax, r14d", {0x41, 0x96}},
      {"mov gs, eax", {0x8E, 0xE8}},
      {"mov ds, eax", {0x8E, 0xD8}},
      {"lgs eax, gs:[ebx]", {0x65, 0x67, 0x0F, 0xB5, 0x03}},
      {"wrgsbase rax", {0xF3, 0x48, 0x0F, 0xAE, 0xD8}},
      {"wrfsbase rax", {0xF3, 0x48, 0x0F, 0xAE, 0xD0}},
      {"swapgs", {0x0F, 0x01, 0xF8}},
      {"syscall", {0x0F, 0x05}},
      {"sysenter", {0x0F, 0x34}},
      {"int 80h", {0xCD, 0x80}},
      {"int3", {0xCC}},
      {"icebp", {0xF1}},
      {"iret", {0xCF}},
      {"in al, dx", {0xEC}},
      {"out dx, al", {0xEE}},
      {"ins", {0x6C}},
      {"hlt", {0xF4}},
      {"cli", {0xFA}},
      {"sti", {0xFB}},
      {"mov cr0, rax", {0x0F, 0x22, 0xC0}},
      {"mov dr7, rax", {0x0F, 0x23, 0xF8}},
      {"lgdt gs:[ebx]", {0x65, 0x67, 0x0F, 0x01, 0x13}},
      {"sgdt gs:[ebx]", {0x65, 0x67, 0x0F, 0x01, 0x03}},
      {"sidt gs:[ebx]", {0x65, 0x67, 0x0F, 0x01, 0x0B}},
      {"sldt eax", {0x0F, 0x00, 0xC0}},
      {"str eax", {0x0F, 0x00, 0xC8}},
      {"smsw eax", {0x0F, 0x01, 0xE0}},
      {"lar eax, ecx", {0x0F, 0x02, 0xC1}},
      {"lsl eax, ecx", {0x0F, 0x03, 0xC1}},
      {"verr ax", {0x0F, 0x00, 0xE0}},
      {"verw ax", {0x0F, 0x00, 0xE8}},
      {"rdmsr", {0x0F, 0x32}},
      {"rdtsc", {0x0F, 0x31}},
  };
  for (const Form& form : forms) CHECK_MESSAGE(aborts(form.code), form.what);
}

TEST_CASE("what is no instruction, and what is cut off, is refused") {
  CHECK(aborts(std::vector<u8>{0x0F, 0x04}));
  CHECK(aborts(std::vector<u8>{0x06}));
  CHECK(aborts(std::vector<u8>{0xE9, 0, 0}));
}

TEST_CASE("jumps to a register's value are refused") {
  CHECK(aborts(std::vector<u8>{0xFF, 0xE0}));              // jmp rax
  CHECK(aborts(std::vector<u8>{0x41, 0xFF, 0xE0}));        // jmp r8
  CHECK(aborts(std::vector<u8>{0x65, 0x67, 0xFF, 0x23}));  // jmp gs:[ebx], an address that a guest wrote
  CHECK(aborts(std::vector<u8>{0x65, 0x67, 0xFF, 0x2B}));  // jmp far gs:[ebx]
}

TEST_CASE("jumps inside of the code go to instructions") {
  CHECK(aborts(std::vector<u8>{0xE9, 0xFE, 0xFF, 0xFF, 0xFF}));        // into itself
  CHECK(aborts(std::vector<u8>{0xEB, 0x01, 0xB8, 0x0F, 0x05, 0, 0}));  // to syscall, in an immediate
  CHECK_FALSE(aborts(std::vector<u8>{0xEB, 0x05, 0xB8, 0x0F, 0x05, 0, 0, 0x90}));
  CHECK(aborts(std::vector<u8>{0xE8, 0x01, 0, 0, 0, 0xB8, 0x0F, 0x05, 0, 0}));
  CHECK_FALSE(aborts(std::vector<u8>{0x90, 0x74, 0xFD}));
}

TEST_CASE("a good start does not excuse a bad end") {
  std::vector<u8> code = {0x65, 0x67, 0x8B, 0x03, 0x90, 0x8B, 0x03};
  CHECK(aborts(code));
  code.resize(5);
  CHECK_FALSE(aborts(code));
}

TEST_CASE("the context ends where it ends") {
  u8 bytes[32];
  const auto store_at = [&](u32 offset) {
    Assembler a(bytes, sizeof bytes);
    a.store({.base = kContext, .displacement = offset}, RAX);
    return std::span<const u8>(bytes, a.size());
  };
  CHECK_FALSE(aborts(store_at(0)));
  CHECK_FALSE(aborts(store_at(sizeof(Context) - 4)));
  CHECK(aborts(store_at(sizeof(Context) - 3)));
  CHECK(aborts(store_at(sizeof(Context))));
  CHECK(aborts(store_at(0x7FFF'FFFC)));
  CHECK(aborts(store_at(0x8000'0000)));
  CHECK(aborts(store_at(0xFFFF'FFFC)));
}

TEST_CASE("what the emitter uses passes") {
  const Form forms[] = {
      {"mov eax, gs:[ebx + esi * 4]", {0x65, 0x67, 0x8B, 0x04, 0xB3}},
      {"mov gs:[80000000h], eax", {0x65, 0x67, 0x89, 0x04, 0x25, 0, 0, 0, 0x80}},
      {"lock xadd gs:[r12d], r12d", {0x65, 0x67, 0xF0, 0x45, 0x0F, 0xC1, 0x24, 0x24}},
      {"mov r12d, r12d", {0x45, 0x89, 0xE4}},
      {"lea eax, [rbx + 4]", {0x8D, 0x43, 0x04}},
      {"mov ecx, [r10 + r9 * 8]", {0x43, 0x8B, 0x0C, 0xCA}},
      {"jmp [r10 + r9 * 8 + 8]", {0x43, 0xFF, 0x64, 0xCA, 0x08}},
      {"call to itself", {0xE8, 0xFB, 0xFF, 0xFF, 0xFF}},
      {"call [r10 + r9 * 8 + 8]", {0x43, 0xFF, 0x54, 0xCA, 0x08}},
      {"ret", {0xC3}},
      {"mov r15d, [r14]", {0x45, 0x8B, 0x3E}},
      {"mov r9, [rsp - 256]", {0x4C, 0x8B, 0x8C, 0x24, 0x00, 0xFF, 0xFF, 0xFF}},
      {"fld dword gs:[eax]", {0x65, 0x67, 0xD9, 0x00}},
      {"movaps gs:[eax], xmm0", {0x65, 0x67, 0x0F, 0x29, 0x00}},
      {"jecxz to itself", {0x67, 0xE3, 0xFD}},
      {"nothing", {}},
  };
  for (const Form& form : forms) CHECK_MESSAGE(!aborts(form.code), form.what);
}

TEST_CASE("a jump out goes to a way out or a look-up, a call to what returns or looks up") {
  constexpr u64 kAt = 0x1000;
  Thunks thunks;
  thunks.leave = 0x40;
  for (unsigned n = 0; n < kExitReasons; ++n) thunks.leave_for[n] = 0x80 + 0x10 * n;
  thunks.look_up = {0x200, 0x240};
  thunks.push_flags = 0x300;
  const auto refused = [&](u8 opcode, u64 thunk) {
    std::vector<u8> code{opcode};
    const u32 distance = static_cast<u32>(thunk - (kAt + 5));
    for (unsigned n = 0; n < 4; ++n) code.push_back(static_cast<u8>(distance >> (8 * n)));
    return aborts(code, kAt, thunks);
  };
  constexpr u8 kJump = 0xE9, kCall = 0xE8;
  for (const u64 way_out : thunks.leave_for) {
    CHECK_FALSE(refused(kJump, way_out));
    CHECK(refused(kCall, way_out));
    CHECK(refused(kJump, way_out + 1));
  }
  for (const u64 look_up : thunks.look_up) {
    CHECK_FALSE(refused(kJump, look_up));
    CHECK_FALSE(refused(kCall, look_up));
  }
  CHECK(refused(kJump, thunks.leave));
  CHECK(refused(kJump, thunks.push_flags));
  CHECK_FALSE(refused(kCall, thunks.push_flags));
}

TEST_CASE("a soft access passes right behind the call that makes its address only") {
  Thunks thunks;
  for (const bool write : {false, true})
    for (unsigned n = 0; n < kSoftSizes.size(); ++n) thunks.soft[write][n] = 0x100 + 0x100 * write + 0x10 * n;
  constexpr u64 kAt = 0x1000;
  // call to a thunk; then the code given.
  const auto behind = [&](bool write, unsigned size, std::vector<u8> code) {
    std::vector<u8> all{0xE8};
    const u32 distance = static_cast<u32>(thunks.soft[write][size] - (kAt + 5));
    for (unsigned n = 0; n < 4; ++n) all.push_back(static_cast<u8>(distance >> (8 * n)));
    all.insert(all.end(), code.begin(), code.end());
    return all;
  };
  const std::vector<u8> load{0x41, 0x8B, 0x00}, store{0x41, 0x89, 0x00}, load_word{0x66, 0x41, 0x8B, 0x00},
      beyond{0x41, 0x8B, 0x40, 0x04}, indexed{0x42, 0x8B, 0x04, 0x00}, later{0x90, 0x41, 0x8B, 0x00},
      twice{0x41, 0x8B, 0x00, 0x41, 0x8B, 0x00}, entered{0x41, 0x8B, 0x00, 0xEB, 0xFB};
  CHECK_FALSE(aborts(behind(false, 2, load), kAt, thunks));
  CHECK_FALSE(aborts(behind(true, 2, store), kAt, thunks));
  CHECK_FALSE(aborts(behind(false, 2, load_word), kAt, thunks));
  CHECK(aborts(behind(false, 1, load), kAt, thunks));
  CHECK(aborts(behind(false, 2, store), kAt, thunks));
  for (const auto& code : {beyond, indexed, later, twice, entered}) CHECK(aborts(behind(true, 5, code), kAt, thunks));
  CHECK(aborts(load, kAt, thunks));
}

TEST_CASE("an access by register passes right behind the two instructions that make its address only") {
  using Part = void (*)(Assembler&);
  static constexpr u8 kStore[] = {0x89}, kLea[] = {0x8D};
  static constexpr auto access = [](Assembler& a, HostAddress at) { a.with_memory({.opcode = kStore}, RAX, at); };
  const Part offset = [](Assembler& a) { a.address(R8, {.base = RBX, .displacement = 0x8000'0000}); };
  const Part base = [](Assembler& a) { a.load_wide(R11, context_field(&Context::window)); };
  const Part good = [](Assembler& a) { access(a, {.base = R11, .index = R8}); };
  const Part nop = [](Assembler& a) { a.byte(0x90); };
  const auto refused = [](std::initializer_list<Part> parts) {
    std::vector<u8> code(128);
    Assembler a(code.data(), code.size());
    for (const Part part : parts) part(a);
    code.resize(a.size());
    return aborts(code);
  };
  CHECK_FALSE(refused({offset, base, good}));
  CHECK_FALSE(refused({[](Assembler& a) { a.zero_extend_word(R8, RBX); }, base, good}));
  CHECK_FALSE(refused({[](Assembler& a) { a.move(R8, R8); }, base, good, offset, base, good}));
  CHECK(refused({offset, good}));
  CHECK(refused({base, good}));
  CHECK(refused({good}));
  CHECK(refused({base, offset, good}));
  CHECK(refused({offset, base, good, good}));
  CHECK(refused({offset, nop, base, good}));
  CHECK(refused({offset, base, nop, good}));
  // An offset of 64 bits; another register; a base that is no window.
  CHECK(refused({[](Assembler& a) { a.address_wide(R8, {.base = RBX}); }, base, good}));
  CHECK(refused({[](Assembler& a) { a.with_memory({.opcode = kLea}, R9, {.base = RBX}); }, base, good}));
  CHECK(refused({offset, [](Assembler& a) { a.load(R11, context_field(&Context::window)); }, good}));
  CHECK(refused({offset, [](Assembler& a) { a.load_wide(R11, context_field(&Context::resume)); }, good}));
  // The access itself: more than the sum.
  CHECK(refused({offset, base, [](Assembler& a) { access(a, {.base = R11, .index = R8, .scale = 1}); }}));
  CHECK(refused({offset, base, [](Assembler& a) { access(a, {.base = R11, .index = R8, .displacement = 4}); }}));
  CHECK(refused({offset, base, [](Assembler& a) { access(a, {.base = R11, .index = RBX}); }}));
  // A jump to the second or the third of them.
  for (const unsigned into : {1u, 2u}) {
    std::vector<u8> code(128);
    Assembler a(code.data(), code.size());
    const u64 jump = a.jump();
    offset(a);
    if (into == 1) a.bind(jump);
    base(a);
    if (into == 2) a.bind(jump);
    good(a);
    code.resize(a.size());
    CHECK(aborts(code));
  }
}

TEST_CASE("a transition is called with a record of the Context's, made right before") {
  Thunks thunks;
  thunks.push_flags = 0x80;
  thunks.load_segment = 0x100;
  thunks.iret = 0x200;
  constexpr u64 kAt = 0x1000;
  const auto refused = [&](u64 thunk, std::vector<HostAddress> records, bool nop = false, bool jump = false) {
    std::vector<u8> code(64);
    Assembler a(code.data(), code.size());
    const u64 over = jump ? a.jump() : 0;
    for (const HostAddress& record : records) a.address_wide(R9, record);
    if (nop) a.byte(0x90);
    if (jump) a.bind(over);
    a.call_to(static_cast<i64>(thunk) - static_cast<i64>(kAt));
    code.resize(a.size());
    return aborts(code, kAt, thunks);
  };
  const HostAddress first = context_field(&Context::transitions);
  const auto from_first = [&](u32 bytes) {
    HostAddress record = first;
    record.displacement += bytes;
    return record;
  };
  constexpr u32 kLast = sizeof(Context::transitions) - sizeof(Transition);
  CHECK_FALSE(refused(0x100, {first}));
  CHECK_FALSE(refused(0x200, {from_first(kLast)}));
  CHECK_FALSE(refused(0x80, {}));
  CHECK(refused(0x100, {}));
  CHECK(refused(0x200, {from_first(kLast + sizeof(Transition))}));
  CHECK(refused(0x200, {from_first(8)}));
  CHECK(refused(0x200, {from_first(0u - static_cast<u32>(sizeof(Transition)))}));
  CHECK(refused(0x100, {{.base = RBX, .displacement = first.displacement}}));
  CHECK(refused(0x100, {{.base = R13, .index = RBX, .displacement = first.displacement}}));
  CHECK(refused(0x100, {first}, true));
  CHECK(refused(0x100, {first}, false, true));
}

TEST_CASE("a string instruction passes right behind its set-up only") {
  u8 bytes[64];
  Assembler a(bytes, sizeof bytes);
  emit_string_setup(a);
  const u64 set_up = a.size();
  a.bytes(std::vector<u8>{0xF3, 0xA5});
  CHECK_FALSE(aborts({bytes, a.size()}));
  emit_string_end(a);
  CHECK_FALSE(aborts({bytes, a.size()}));
  a.byte(0xAA);  // stosb with EDI cut to 32 bits
  CHECK(aborts({bytes, a.size()}));
  // With something in between, or half of the set-up only.
  Assembler between(bytes + set_up, sizeof bytes - set_up);
  between.move(RDI, RAX);
  between.byte(0xAA);
  CHECK(aborts({bytes, set_up + between.size()}));
  std::vector<u8> half(bytes + set_up / 2, bytes + set_up);
  half.push_back(0xAA);
  CHECK(aborts(half));
}

}  // namespace
}  // namespace penumbra
