// The bash completion script, made from the option table.
#include <fmt/format.h>

#include "frontend/help.h"
#include "frontend/options.h"

namespace penumbra {

std::string completion_script() {
  std::string options, files, cases;
  for (const Option& option : run_options()) {
    options += fmt::format(" --{}", option.name);
    if (option.takes == Takes::nothing || option.completion.empty()) continue;
    if (option.completion == "@file") {
      files += fmt::format("{}--{}", files.empty() ? "" : "|", option.name);
    } else {
      cases += fmt::format("    --{})\n      COMPREPLY=($(compgen -W \"{}\" -- \"$word\")) ;;\n", option.name,
                           option.completion);
    }
  }
  return fmt::format(
      R"(# bash completion for penumbra. Made by 'penumbra completion' from the option table; do not edit.

_penumbra() {{
  local word previous
  # '=' and ':' break words in readline, but belong to our values.
  if declare -F _get_comp_words_by_ref > /dev/null; then
    _get_comp_words_by_ref -n =: -c word -p previous
  else
    word=${{COMP_WORDS[COMP_CWORD]}}
    previous=${{COMP_WORDS[COMP_CWORD - 1]}}
  fi
  COMPREPLY=()
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W "run conform completion man --help --help-all --version" -- "$word"))
    return
  fi
  [[ ${{COMP_WORDS[1]}} == run ]] || return
  case $previous in
    {})
      compopt -o filenames 2> /dev/null
      COMPREPLY=($(compgen -f -- "$word")) ;;
{}    *)
      COMPREPLY=($(compgen -W "{} --help --help-all --version" -- "$word")) ;;
  esac
  if declare -F __ltrim_colon_completions > /dev/null; then
    __ltrim_colon_completions "$word"
  fi
}}

complete -F _penumbra penumbra
)",
      files, cases, options.substr(1));
}

}  // namespace penumbra
