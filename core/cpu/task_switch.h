// Hardware task switching (SDM 3A chapter 7).
#pragma once

#include "core/cpu/segmentation.h"

namespace penumbra {

enum class TaskSwitch : u8 { jump, call, iret, interrupt };

// Switches to the task of a TSS descriptor that has been found acceptable and present. Faults found before the new task
// is committed belong to the old one; later ones are thrown with the new task's state in place.
void switch_task(Cpu& cpu, u16 selector, Descriptor tss, TaskSwitch reason, u32 error_code = 0,
                 bool has_error_code = false);

}  // namespace penumbra
