// Brief and full help.
#include "frontend/help.h"

#include <fmt/format.h>

#include "frontend/exit_code.h"
#include "frontend/help_tables.h"
#include "frontend/options.h"
#include "frontend/values.h"

namespace penumbra {

namespace {

constexpr std::size_t kWidth = 79;

// `text` broken at blanks into lines that begin at column `indent`; the first line is where the caller already is.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string result;
  std::size_t column = indent;
  for (const std::string_view word : split(text, ' ')) {
    if (column > indent && column + 1 + word.size() > kWidth) {
      result += fmt::format("\n{:{}}", "", indent);
      column = indent;
    } else if (column > indent) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
  }
  return result + "\n";
}

std::string rows(std::span<const HelpRow> table, std::size_t indent) {
  std::string result;
  for (const HelpRow& row : table)
    result += fmt::format("  {:<{}}{}", row.what, indent - 2, wrapped(row.means, indent));
  return result;
}

}  // namespace

std::string option_synopsis(const Option& option) {
  std::string text = fmt::format("--{}", option.name);
  if (!option.alias.empty()) text = fmt::format("-{}, {}", option.alias, text);
  if (option.takes == Takes::value) text += fmt::format(" {}", option.argument);
  if (option.takes == Takes::optional_value) text += fmt::format("[={}]", option.argument);
  return text;
}

std::string version_text() { return "Penumbra 0.1.0\n"; }

std::string brief_help() {
  return R"(Penumbra runs PC operating systems on an emulated PC.

Usage: penumbra run [options]        run a machine
       penumbra conform [options]    check this build (penumbra conform --help)

  -m, --memory SIZE      RAM: 64M, 1G (128M)
  --cpu MODEL            486, pentium, p2, p3, p4 (p4)
  --fda FILE             floppy image            --cdrom FILE  CD image
  --hda FILE             hard disk image         --boot ORDER  letters a, c, d
  --kernel FILE          Linux or multiboot      --initrd FILE, --append TEXT
  --serial CHANNEL       COM1: stdio, file:PATH, pty, unix:PATH, null
  --nographic            COM1 on this terminal; Ctrl-A h shows the way out
  --display sdl|none     with or without a window
  --type TEXT            type on the keyboard: 'dir{ENTER}'
  --expect TEXT          wait for text; in one script with --type
  --timeout SECONDS      end the run by then     --icount      repeatable time
  --screenshot FILE.png  the last picture        --screen-text [FILE]
  --config FILE.toml     options from a file     --trace NAMES log devices
  --gdb :1234            wait for gdb            --stats       speed at the end

penumbra --help-all explains everything: all options, hot keys, exit codes.
Example: penumbra run --cdrom install.iso --hda disk.img --boot order=dc
)";
}

std::string full_help() {
  std::string text =
      "Penumbra runs PC operating systems on an emulated PC.\n\n"
      "Usage: penumbra run [options]        run a machine\n"
      "       penumbra conform [options]    check this build against its conformance\n"
      "                                     suite (penumbra conform --help)\n"
      "       penumbra completion           print the completion script for bash\n"
      "       penumbra man                  print the manual page\n"
      "       penumbra --help | --help-all | --version\n\n"
      "Options take one dash or two, and their value behind a blank or '='.\n";
  OptionGroup group{};
  bool first = true;
  for (const Option& option : run_options()) {
    if (first || option.group != group) text += fmt::format("\n{}\n", group_title(option.group));
    first = false;
    group = option.group;
    text += fmt::format("  {}\n      {}", option_synopsis(option), wrapped(option.help, 6));
  }
  text += "\nKeys in the window\n" + rows(hot_key_rows(), 20);
  text += "\nCtrl-A escapes with --nographic and --serial mon:stdio\n" + rows(escape_rows(), 20);
  text += "\nExit codes\n";
  for (const ExitCodeRow& row : exit_code_rows()) text += fmt::format("  {:<6}{}", row.code, wrapped(row.meaning, 8));
  return text;
}

}  // namespace penumbra
