// Penumbra's processor as a subject, with memory and nothing else, in protected or in real mode.
#pragma once

#include <memory>

#include "conformance/real_mode.h"
#include "conformance/subject.h"
#include "core/machine/config.h"

namespace penumbra {
struct TranslatorOptions;
}

namespace penumbra::conformance {

// What the runs of a subject so far were executed by.
struct Share {
  u64 runs = 0;
  u64 emitted_runs = 0;  // that entered emitted code
  u64 interpreted = 0;   // instructions, those of the handler that ends a run too
};

class ProcessorSubject : public Subject {
 public:
  virtual Share share() const = 0;
};

// A translating subject with settings of its own.
std::unique_ptr<ProcessorSubject> translating_subject(const char* model, const TranslatorOptions& options);
std::unique_ptr<ProcessorSubject> interpreting_subject(const char* model);

// `model` as in `--cpu`: "p4".
std::unique_ptr<Subject> processor_subject(const char* model, EngineKind engine, TranslatorOptions options = {});
std::unique_ptr<RealModeSubject> processor_real_mode(const char* model, EngineKind engine,
                                                     const TranslatorOptions& options = {});

}  // namespace penumbra::conformance
