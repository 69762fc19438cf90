// The texts that explain the program, made from the option table.
#pragma once

#include <string>

namespace penumbra {

std::string version_text();
std::string brief_help();         // fits a terminal of 80 by 24
std::string full_help();          // every option, key, escape and exit code
std::string man_page();           // docs/penumbra.1
std::string completion_script();  // frontend/completion/penumbra.bash

}  // namespace penumbra
