// Hot keys, escapes and monitor commands as people read them.
#include "frontend/help_tables.h"

namespace penumbra {

namespace {

constexpr HelpRow kHotKeys[] = {
    {"click", "gives the mouse to the guest"},
    {"Ctrl+Alt+G", "gives it back"},
    {"Ctrl+Alt+F", "full screen and back"},
    {"Ctrl+Alt+S", "writes a screenshot (PNG)"},
    {"Ctrl+Alt+R", "presses the reset button"},
    {"Ctrl+Alt+P", "presses the power button"},
    {"Ctrl+Alt+E", "puts in the next floppy or CD of the list, or ejects"},
    {"Ctrl+Alt+Insert", "types Ctrl+Alt+Delete"},
    {"Ctrl+Alt+Q", "quits"},
    {"dropping a file", "puts it in as CD (.iso, or larger than 3 MB) or floppy"},
};

constexpr HelpRow kEscapes[] = {
    {"Ctrl-A h", "lists these"},
    {"Ctrl-A x", "quits"},
    {"Ctrl-A c", "switches between the guest and the monitor"},
    {"Ctrl-A Ctrl-A", "sends Ctrl-A to the guest"},
};

constexpr HelpRow kMonitor[] = {
    {"help", "lists these"},
    {"quit", "ends the run"},
    {"reset", "presses the reset button"},
    {"powerdown", "presses the power button"},
    {"screendump FILE", "writes the picture as PNG"},
    {"sendkey KEYS", "types one stroke: sendkey ctrl-alt-delete"},
    {"type TEXT", "types text, keys in braces as with --type"},
    {"change DRIVE FILE", "puts a medium into floppy0, floppy1 or cd"},
    {"eject DRIVE", "takes it out; the next one of the list goes in"},
    {"info registers", "shows the CPU's registers"},
    {"info stats", "shows instructions, speed and load"},
    {"info media", "shows what is in the removable drives"},
    {"info screen", "shows the text screen"},
};

}  // namespace

std::span<const HelpRow> hot_key_rows() { return kHotKeys; }
std::span<const HelpRow> escape_rows() { return kEscapes; }
std::span<const HelpRow> monitor_rows() { return kMonitor; }

}  // namespace penumbra
