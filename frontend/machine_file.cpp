// Reading a machine file: TOML whose keys are the command line's option names. The only file that includes toml++.
#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "core/base/error.h"
#include "frontend/assignment.h"

namespace penumbra {

namespace {

namespace fs = std::filesystem;

class MachineFile {
 public:
  explicit MachineFile(const std::string& path) : path_(path), folder_(fs::path(path).parent_path()) {}

  std::vector<Assignment> read() {
    std::ifstream stream(path_, std::ios::binary);
    if (!stream) throw host_error(path_);
    const std::string text{std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
    if (stream.bad()) throw host_error(path_);
    toml::table table;
    try {
      table = toml::parse(text, path_);
    } catch (const toml::parse_error& error) {
      throw ConfigError(fmt::format("{}:{}: {}", path_, error.source().begin.line, error.description()));
    }

    // A toml::table sorts its keys; the file's own order is what a reader expects of messages and lists.
    std::vector<std::pair<std::string_view, const toml::node*>> entries;
    for (const auto& [key, node] : table) entries.emplace_back(key.str(), &node);
    std::sort(entries.begin(), entries.end(),
              [](const auto& a, const auto& b) { return position(*a.second) < position(*b.second); });
    for (const auto& [key, node] : entries) add_entry(key, *node);
    return std::move(assignments_);
  }

 private:
  static std::pair<u32, u32> position(const toml::node& node) {
    return {node.source().begin.line, node.source().begin.column};
  }

  std::string where(std::string_view key, const toml::node& node) const {
    return fmt::format("{}:{}: {}", path_, node.source().begin.line, key);
  }

  void add_entry(std::string_view key, const toml::node& node) {
    if (key == "script") return add_script(node);
    const Option* option = find_option(key);
    if (option == nullptr) {
      try {
        throw_unknown_option(key, "");
      } catch (const ConfigError& error) {
        throw ConfigError(fmt::format("{}:{}: {}", path_, node.source().begin.line, error.what()));
      }
    }
    if (option->apply == nullptr) throw ConfigError(where(key, node) + ": a machine file can't read another one");
    if (const toml::array* list = node.as_array()) {
      if (!option->repeats) throw ConfigError(where(key, node) + ": takes one value, not a list");
      for (const toml::node& element : *list) add_value(*option, key, element);
    } else {
      add_value(*option, key, node);
    }
  }

  void add_value(const Option& option, std::string_view key, const toml::node& node) {
    Assignment assignment{.option = &option, .value = "", .origin = where(key, node)};
    if (const toml::table* drive = node.as_table(); drive != nullptr && option.group == OptionGroup::drives) {
      read_drive(*drive, assignment);
    } else if (const auto flag = node.value_exact<bool>()) {
      if (option.takes == Takes::value) throw ConfigError(assignment.origin + ": expected " + kind_of(option));
      if (!*flag) return;
    } else if (option.takes == Takes::nothing) {
      throw ConfigError(assignment.origin + ": expected true or false");
    } else {
      assignment.value = scalar(option, node, assignment.origin);
    }
    if (option.completion == "@file" && option.takes != Takes::nothing) assignment.value = resolved(assignment.value);
    for (const std::string_view prefix : {"file:", "unix:"})
      if (option.group == OptionGroup::ports && assignment.value.starts_with(prefix))
        assignment.value = std::string(prefix) + resolved(assignment.value.substr(prefix.size()));
    assignments_.push_back(std::move(assignment));
  }

  void read_drive(const toml::table& table, Assignment& assignment) {
    assignment.value = "empty";
    for (const auto& [key, node] : table) {
      const std::string_view name = key.str();
      if (name == "file" && node.is_string()) {
        assignment.value = *node.value<std::string>();
      } else if (name == "readonly" && node.is_boolean()) {
        assignment.read_only = *node.value<bool>();
      } else if (name == "cdrom" && node.is_boolean()) {
        assignment.cdrom = *node.value<bool>();
      } else {
        throw ConfigError(fmt::format("{}: '{}': expected file = \"PATH\", readonly = true or cdrom = true",
                                      assignment.origin, name));
      }
    }
  }

  static std::string kind_of(const Option& option) {
    return fmt::format("{} as a string or a number", option.argument);
  }

  static std::string scalar(const Option& option, const toml::node& node, const std::string& origin) {
    if (const auto text = node.value_exact<std::string>()) return *text;
    if (const auto integer = node.value_exact<i64>()) return fmt::format("{}", *integer);
    if (const auto real = node.value_exact<double>()) return fmt::format("{}", *real);
    throw ConfigError(fmt::format("{}: expected {}", origin, kind_of(option)));
  }

  void add_script(const toml::node& node) {
    const std::string expected =
        where("script", node) + ": expected a list such as [{expect = \"login:\"}, {type = \"root{ENTER}\"}]";
    const toml::array* steps = node.as_array();
    if (steps == nullptr) throw ConfigError(expected);
    for (const toml::node& step : *steps) {
      const toml::table* table = step.as_table();
      if (table == nullptr || table->size() != 1) throw ConfigError(expected);
      const auto entry = table->begin();  // its key and value live as long as it does
      const Option* option = find_option(entry->first.str());
      const toml::node& value = entry->second;
      if (option == nullptr || option->group != OptionGroup::script || !option->repeats || !value.is_string())
        throw ConfigError(expected);
      assignments_.push_back({.option = option, .value = *value.value<std::string>(), .origin = where("script", step)});
    }
  }

  std::string resolved(const std::string& value) const {
    if (value.empty() || value == "none" || value == "empty" || value == "-" || fs::path(value).is_absolute())
      return value;
    return (folder_ / value).string();
  }

  std::string path_;
  fs::path folder_;
  std::vector<Assignment> assignments_;
};

}  // namespace

std::vector<Assignment> read_machine_file(const std::string& path) { return MachineFile(path).read(); }

}  // namespace penumbra
