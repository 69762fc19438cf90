// The manual page, in man(7) markup, made from the tables.
#include <fmt/format.h>

#include "frontend/exit_code.h"
#include "frontend/help.h"
#include "frontend/help_tables.h"
#include "frontend/options.h"

namespace penumbra {

namespace {

// Backslashes and dashes as roff wants them, and a guard for lines that begin with a control character.
std::string roff(std::string_view text) {
  std::string result;
  if (text.starts_with(".") || text.starts_with("'")) result += "\\&";
  for (const char c : text) {
    if (c == '\\')
      result += "\\e";
    else if (c == '-')
      result += "\\-";
    else
      result += c;
  }
  return result;
}

std::string rows(std::span<const HelpRow> table) {
  std::string text;
  for (const HelpRow& row : table) text += fmt::format(".TP\n.B {}\n{}\n", roff(row.what), roff(row.means));
  return text;
}

}  // namespace

std::string man_page() {
  std::string text =
      ".\\\" Made by 'penumbra man' from the option table; do not edit.\n"
      ".TH PENUMBRA 1\n"
      ".SH NAME\n"
      "penumbra \\- run PC operating systems on an emulated PC\n"
      ".SH SYNOPSIS\n"
      ".B penumbra run\n"
      ".RI [ options ]\n"
      ".br\n"
      ".B penumbra conform\n"
      ".RI [ options ]\n"
      ".br\n"
      ".BR \"penumbra completion\" \" | \" man \" | \" \\-\\-help \" | \" \\-\\-help\\-all \" | \" \\-\\-version\n"
      ".SH DESCRIPTION\n"
      "Penumbra is a full-system emulator of an x86 PC.\n"
      ".B penumbra run\n"
      "runs one machine, in a window or on the terminal.\n"
      ".B penumbra conform\n"
      "checks the emulator itself.\n"
      "Options take one dash or two, and their value behind a blank or '='.\n"
      ".SH OPTIONS\n";
  OptionGroup group{};
  bool first = true;
  for (const Option& option : run_options()) {
    if (first || option.group != group) text += fmt::format(".SS {}\n", group_title(option.group));
    first = false;
    group = option.group;
    text += fmt::format(".TP\n.B {}\n{}\n", roff(option_synopsis(option)), roff(option.help));
  }
  text += ".SH KEYS IN THE WINDOW\n" + rows(hot_key_rows());
  text +=
      ".SH ESCAPES ON THE TERMINAL\n"
      "With \\-\\-nographic or \\-\\-serial mon:stdio:\n" +
      rows(escape_rows());
  text += ".SH MONITOR\n" + rows(monitor_rows());
  text +=
      ".SH MACHINE FILE\n"
      "\\-\\-config reads a TOML file whose keys are the options' names without dashes.\n"
      "Options that may be repeated take a list; switches take true; a drive takes a file name or a table\n"
      "{ file = \"PATH\", readonly = true, cdrom = true }.\n"
      "A script is a list: script = [{ expect = \"login:\" }, { type = \"root{ENTER}\" }].\n"
      "Relative paths are relative to the file's folder.\n"
      ".SH EXIT STATUS\n";
  for (const ExitCodeRow& row : exit_code_rows())
    text += fmt::format(".TP\n.B {}\n{}\n", roff(row.code), roff(row.meaning));
  text +=
      ".SH EXAMPLES\n"
      ".nf\n"
      "penumbra run \\-\\-cdrom install.iso \\-\\-hda disk.img \\-\\-boot order=dc\n"
      "penumbra run \\-\\-kernel vmlinuz \\-\\-initrd initrd.img \\-\\-append console=ttyS0 \\-\\-nographic\n"
      "penumbra run \\-\\-fda dos.img \\-\\-display none \\-\\-expect 'A:\\e>' \\-\\-type 'ver{ENTER}' \\-\\-expect "
      "Version\n"
      ".fi\n";
  return text;
}

}  // namespace penumbra
