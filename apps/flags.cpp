#include "apps/flags.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <optional>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "data/folder.h"
#include "tensor/shape.h"

namespace sonograd {
namespace {

constexpr auto unused = "unused";

// CLI11 puts one before a group and one behind it.
std::string without_blank_line(const std::string& group) {
  return group.substr(group.find_first_not_of('\n'));
}

class Help : public CLI::Formatter {
 public:
  // CLI11 hides a flag without a group, but then leaves its name out of errors too.
  std::string make_group(std::string group, bool positional,
                         std::vector<const CLI::Option*> options) const override {
    const bool elsewhere = group == unused || group == Command::group_of_all;
    return elsewhere ? "" : without_blank_line(CLI::Formatter::make_group(group, positional, options));
  }
  // Behind a command's own groups that of all commands.
  std::string make_footer(const CLI::App* app) const override {
    const std::string group = Command::group_of_all;
    const auto flags =
        app->get_options([&](const CLI::Option* option) { return option->get_group() == group; });
    return without_blank_line(CLI::Formatter::make_group(group, false, flags)) + "\n" +
           CLI::Formatter::make_footer(app);
  }
  // What excludes what is told where it is met: `--steps` excludes seventeen.
  std::string make_option_opts(const CLI::Option* option) const override {
    const std::string text = CLI::Formatter::make_option_opts(option);
    return text.substr(0, text.find(" Excludes:"));
  }
};

Rule rule_of(const CLI::Validator& validator) {
  return {[validator](std::string& text) { return validator(text); }, validator.get_description()};
}

Rule number_that(bool (*holds)(double), const std::string& rule, const std::string& type) {
  const auto complaint = [holds, rule](const std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool number = !text.empty() && *end == '\0' && std::isfinite(value);
    if (!number) return fmt::format("must be a number, got {}", text);
    // CLI11 takes what lies beyond 64 bits for the largest of them.
    constexpr double largest = 1e9;
    if (value > largest && text.find_first_not_of("0123456789") == std::string::npos)
      return fmt::format("must be at most 1e9, got {}", text);
    return holds(value) ? "" : fmt::format("must be {}, got {}", rule, text);
  };
  return {complaint, type};
}

}  // namespace

Rule one_of(std::vector<std::string> words) {
  return rule_of(CLI::IsMember(std::move(words)));
}
Rule one_of(std::initializer_list<int> numbers) {
  return rule_of(CLI::IsMember(std::vector<int>(numbers)));
}
Rule from_to(int least, int most) {
  return rule_of(CLI::Range(least, most));
}
Rule positive() {
  return number_that([](double x) { return x > 0; }, "more than 0", "POSITIVE");
}
Rule not_negative() {
  return number_that([](double x) { return x >= 0; }, "0 or more", "NONNEGATIVE");
}
Rule class_name() {
  return {[](const std::string& name) {
            return is_class_name(name)
                       ? ""
                       : fmt::format("class name {}: must be UTF-8 without control characters",
                                     printable(name));
          },
          "NAME"};
}
Rule share() {
  return number_that([](double x) { return 0 <= x && x <= 1; }, "from 0 to 1", "0 to 1");
}

// Another machine's number of threads gives its bits here too, but each thread costs memory.
Rule thread_count() {
  static const double most = std::max(64.0, 4.0 * std::thread::hardware_concurrency());
  return number_that([](double x) { return 0 <= x && x <= most; }, fmt::format("from 0 to {}", most),
                     "COUNT");
}

// CLI11 alone takes -1 and what lies beyond 2^64 for the largest seed.
Rule seed_number() {
  const auto complaint = [](const std::string& text) {
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? "" : fmt::format("must be a whole number from 0 to 2^64 - 1, got {}", text);
  };
  return {complaint, "UINT"};
}

Flag Flag::check(const Rule& rule) {
  option->check(CLI::Validator(rule.complaint, rule.type));
  return *this;
}
Flag Flag::capture_default_str() {
  option->capture_default_str();
  return *this;
}
Flag Flag::default_str(const std::string& words) {
  option->default_str(words);
  return *this;
}
Flag Flag::description(const std::string& words) {
  option->description(words);
  return *this;
}
Flag Flag::required() {
  option->required();
  option->check(CLI::Validator(
      [](std::string& text) { return std::string(text.empty() ? "must not be empty" : ""); }, ""));
  return *this;
}
Flag Flag::delimiter(char between) {
  option->delimiter(between);
  return *this;
}
Flag Flag::expected(int least, int most) {
  option->expected(least, most);
  return *this;
}
Flag Flag::keep_all() {
  option->multi_option_policy(CLI::MultiOptionPolicy::TakeAll);
  return *this;
}
Flag Flag::once() {
  option->multi_option_policy(CLI::MultiOptionPolicy::Throw);
  return *this;
}
Flag Flag::needs(Flag other) {
  option->needs(other.option);
  return *this;
}
Flag Flag::excludes(Flag other) {
  option->excludes(other.option);
  return *this;
}

Command Command::add_command(const std::string& name, const std::string& description) const {
  CLI::App& command = *parser_->add_subcommand(name, description);
  command.formatter(std::make_shared<Help>());
  command.get_help_ptr()->group(group_of_all);
  return Command(command);
}
Command Command::get_command(const std::string& name) const {
  return Command(*parser_->get_subcommand(name));
}
void Command::require_command() const {
  parser_->require_subcommand(1);
}
void Command::when_called(std::function<void()> call) const {
  parser_->callback(std::move(call));
}
void Command::footer(const std::string& words) const {
  parser_->footer(words);
}

template <class T>
Flag Command::add_option(const std::string& name, T& value, const std::string& words) const {
  return Flag(*parser_->add_option(name, value, words));
}
#define SONOGRAD_OPTION(...) \
  template Flag Command::add_option(const std::string&, __VA_ARGS__&, const std::string&) const
SONOGRAD_OPTION(std::string);
SONOGRAD_OPTION(int);
SONOGRAD_OPTION(Int);
SONOGRAD_OPTION(std::uint64_t);
SONOGRAD_OPTION(double);
SONOGRAD_OPTION(std::vector<std::string>);
SONOGRAD_OPTION(std::vector<double>);
SONOGRAD_OPTION(std::optional<double>);
#undef SONOGRAD_OPTION

void Command::begin_group(const std::string& title) const {
  parser_->option_defaults()->group(title);
}
Flag Command::add_flag(const std::string& name, bool& value, const std::string& words) const {
  return Flag(*parser_->add_flag(name, value, words));
}
Flag Command::get_option(const std::string& name) const {
  return Flag(*parser_->get_option(name));
}
void Command::remove_option(const std::string& name) const {
  parser_->remove_option(parser_->get_option(name));
}
bool Command::given(const std::string& name) const {
  return parser_->count(name) > 0;
}
void Command::hide_option(const std::string& name) const {
  parser_->get_option(name)->group(unused);
}

}  // namespace sonograd
