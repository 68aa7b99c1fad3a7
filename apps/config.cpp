#include <CLI/CLI.hpp>
#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "apps/command.h"
#include "base/file.h"
#include "base/json_fault.h"
#include "base/nearest_name.h"

namespace sonograd {
namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

std::string trimmed(const std::string& text) {
  const auto first = text.find_first_not_of(" \t\r\"");
  const auto last = text.find_last_not_of(" \t\r\"");
  return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

using Json = nlohmann::ordered_json;

// The file's object; a key that stands there twice is refused, where JSON would take the last.
Json parsed(const std::string& text, const std::string& path) try {
  std::set<std::string> keys;
  return Json::parse(text, [&](int depth, Json::parse_event_t event, const Json& word) {
    if (depth == 1 && event == Json::parse_event_t::key && !keys.insert(word.get<std::string>()).second)
      throw UsageError("--config {}: {} is there for the second time", path, word.get<std::string>());
    return true;
  });
} catch (const Json::exception& error) {
  throw UsageError("--config {}: {}", path, fault_of(error));
}

Settings from_json(const std::string& text, const std::string& path) {
  const Json flags = parsed(text, path);
  Settings settings;
  for (const auto& [key, value] : flags.items()) {
    std::string list;
    for (const Json& entry : value.is_array() ? value : Json::array({value})) {
      if (entry.is_structured() || entry.is_null())
        throw UsageError("--config {}: {} = {}: a flag is a text, a number, true, false or a list of these",
                         path, key, value.dump());
      list += (list.empty() ? "" : ",") + (entry.is_string() ? entry.get<std::string>() : entry.dump());
    }
    settings.emplace_back(key, list);
  }
  return settings;
}

// A line less its comment, which a # begins at its start or behind a blank, outside of quotes.
std::string without_comment(const std::string& line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t'))
      return line.substr(0, i);
  }
  return line;
}

Settings from_lines(const std::string& text, const std::string& path) {
  Settings settings;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    line = trimmed(without_comment(line));
    if (line.empty()) continue;
    const auto equals = line.find('=');
    if (equals == std::string::npos)
      throw UsageError("--config {}, line {}: expected `name = value`", path, number);
    const std::string key = trimmed(line.substr(0, equals));
    if (std::any_of(settings.begin(), settings.end(),
                    [&](const auto& setting) { return setting.first == key; }))
      throw UsageError("--config {}, line {}: {} is there for the second time", path, number, key);
    settings.emplace_back(key, trimmed(line.substr(equals + 1)));
  }
  return settings;
}

// The sub-command that the arguments begin with: `train`, or `data split`.
std::pair<CLI::App*, std::size_t> command_of(const std::vector<std::string>& arguments, CLI::App& app) {
  CLI::App* command = &app;
  std::size_t words = 0;
  while (words < arguments.size()) {
    const auto named =
        command->get_subcommands([&](const CLI::App* sub) { return sub->get_name() == arguments[words]; });
    if (named.empty()) break;
    command = named[0];
    ++words;
  }
  return {command, words};
}

// "; did you mean --epochs?", where a flag is near.
std::string meant(const std::string& flag, const CLI::App& command) {
  std::vector<std::string> known;
  for (const CLI::Option* option : command.get_options()) known.push_back(option->get_name());
  return did_you_mean(flag, known);
}

}  // namespace

ConfiguredArguments with_config(std::vector<std::string> arguments, const Command& all) {
  const auto names_config = [](const std::string& a) {
    return a == "--config" || a.rfind("--config=", 0) == 0;
  };
  const auto flag = std::find_if(arguments.begin(), arguments.end(), names_config);
  if (flag == arguments.end()) return {std::move(arguments), {}, {}};
  if (std::any_of(flag + 1, arguments.end(), names_config))
    throw UsageError("--config is given twice; put what both files hold into one");
  const bool apart = *flag == "--config";
  if (apart && flag + 1 == arguments.end()) throw UsageError("--config needs a file");
  const std::string path = apart ? *(flag + 1) : flag->substr(9);
  arguments.erase(flag, flag + (apart ? 2 : 1));

  std::string text = read_file(path);
  if (constexpr std::string_view mark = "\xef\xbb\xbf"; text.starts_with(mark)) text.erase(0, mark.size());
  const auto first = text.find_first_not_of(" \t\r\n");
  const Settings settings =
      first != std::string::npos && text[first] == '{' ? from_json(text, path) : from_lines(text, path);
  const auto [command, words] = command_of(arguments, all.parser());
  std::vector<std::string> flags;
  for (const auto& [key, value] : settings) {
    if (key == "config") throw UsageError("--config {}: it names another file of flags; one is read", path);
    const CLI::Option* const option = command->get_option_no_throw("--" + key);
    if (!option)
      throw UsageError("--config {}: {} has no flag --{}{}", path, command->get_name(), key,
                       meant("--" + key, *command));
    const bool given = std::any_of(arguments.begin(), arguments.end(), [flag = "--" + key](const auto& word) {
      return word == flag || word.rfind(flag + "=", 0) == 0;
    });
    if (given) continue;  // or a list would grow by what it is to replace
    const bool is_switch = option->get_expected_min() == 0;
    if (is_switch && value != "true" && value != "false")
      throw UsageError("--config {}: {} = {}: a switch is true or false", path, key, value);
    if (is_switch && value == "false") continue;
    flags.push_back("--" + key);
    if (!is_switch) flags.back() += "=" + value;
  }
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(words), flags.begin(), flags.end());
  return {std::move(arguments), path, std::move(flags)};
}

std::string ConfiguredArguments::source_of(const std::string& fault) const {
  for (const std::string& flag : flags) {
    const std::string name = flag.substr(0, flag.find('='));
    const std::size_t at = fault.find(name), end = at + name.size();
    const auto goes_on = [](unsigned char c) { return c == '-' || std::isalnum(c); };  // as --batch-norm
    if (at != std::string::npos && (end == fault.size() || !goes_on(fault[end])))
      return " in --config " + path;
  }
  return "";
}

}  // namespace sonograd
