// The two ways between C++ and emitted code, emitted at the start of the code buffer.
#pragma once

#include <array>

#include "translator/code_buffer.h"
#include "translator/context.h"

namespace penumbra {

struct Thunks {
  using Enter = void (*)(Context*);
  Enter enter = nullptr;  // loads the guest's registers and flags, and goes to Context::resume
  u64 leave = 0;          // offset: saves them and returns from `enter`
  u64 abandon = 0;        // offset: returns from `enter` without saving: a signal handler has done it
  u64 stray_return = 0;   // offset: where a RET comes to that no call of emitted code belongs to
  u64 bytes = 0;          // that the thunks take

  struct Named {
    u64 offset;
    const char* name;
  };
  // In the order of their code.
  std::array<Named, 4> names() const {
    return {{{0, "enter"}, {leave, "leave"}, {abandon, "abandon"}, {stray_return, "stray_return"}}};
  }
};

Thunks emit_thunks(CodeBuffer& buffer);

}  // namespace penumbra
