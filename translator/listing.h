// Blocks as text: guest code beside the host code that was made of it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "translator/block.h"
#include "translator/thunks.h"

namespace penumbra {

// Lines without their ends. The first says what the block assumes and how long it is. Each guest instruction follows
// with its length and that of its host code, and beside it the host instructions with their offsets from the block's
// start and their bytes; then the exits, beside the interpreter's instruction where one ends the block. Host code names
// fields of the Context, thunks and link targets, so that its text depends on no address but the guest's. `host` is the
// block's code, `sites` has at least its links.
std::vector<std::string> list_block(const TranslatedBlock& block, std::span<const u8> guest, std::span<const u8> host,
                                    const Thunks& thunks, std::span<const LinkSite> sites);

}  // namespace penumbra
