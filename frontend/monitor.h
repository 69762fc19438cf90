// Penumbra's own prompt: commands that a person or a script gives beside the guest.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "frontend/guest.h"
#include "frontend/media.h"
#include "frontend/script.h"

namespace penumbra {

// What a command may ask of the run around it.
struct MonitorActions {
  std::function<void()> quit;
  std::function<void(std::vector<ScriptStep>)> type;
  std::function<void(const std::string& path)> screenshot;  // throws HostError
  std::function<std::string()> statistics;
};

class Monitor {
 public:
  static constexpr std::string_view kPrompt = "(penumbra) ";

  Monitor(Guest& guest, Media& media, MonitorActions actions)
      : guest_(guest), media_(media), actions_(std::move(actions)) {}

  // Executes a line and answers what to print, in lines; mistakes are answered, not thrown.
  std::string execute(std::string_view line);

 private:
  std::string dispatch(std::string_view command, std::string_view rest);
  std::string info(std::string_view what);

  Guest& guest_;
  Media& media_;
  MonitorActions actions_;
};

}  // namespace penumbra
