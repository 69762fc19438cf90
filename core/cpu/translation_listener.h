// What a translator must hear of from the processor whose code it translates.
#pragma once

#include "core/base/types.h"

namespace penumbra {

// Told of what makes translated code and cached mappings wrong.
class TranslationListener {
 public:
  virtual ~TranslationListener() = default;
  // Translations of linear addresses were dropped: all; all but those of global pages; those of `count` pages.
  // `code`: instructions may have been fetched through them.
  virtual void all_dropped() = 0;
  virtual void local_dropped() = 0;
  virtual void pages_dropped(u32 first_page, u32 count, bool code) = 0;
  // Bytes of a watched page were, or are about to be, written. True if the page must stay watched.
  virtual bool code_written(PhysAddr address, u32 bytes) = 0;
  // A page has become watched: nobody may write to it unseen any more.
  virtual void page_watched(Ppn page) = 0;
  // No page is watched any more.
  virtual void code_forgotten() = 0;
};

}  // namespace penumbra
