// The table of exit codes as people read it.
#include "frontend/exit_code.h"

namespace penumbra {

namespace {

constexpr ExitCodeRow kRows[] = {
    {"0", "the guest powered off, the script's last --expect was met, or a person ended the run"},
    {"odd", "the guest wrote v to the debug exit: 2v + 1, modulo 256"},
    {"2", "bad option, machine file or image"},
    {"4", "triple fault under --no-reboot"},
    {"6", "an --expect was not met: the run ended before"},
    {"8", "the time limit of --timeout passed"},
    {"10", "internal error: a bug in Penumbra"},
    {"12", "the host refused something (a file, memory, the display)"},
    {"14", "the guest reset itself under --no-reboot"},
    {"16", "ended by a signal (Ctrl-C, SIGTERM, SIGHUP)"},
};

}  // namespace

std::span<const ExitCodeRow> exit_code_rows() { return kRows; }

}  // namespace penumbra
