#pragma once
#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

// A command's flags. CLI11 parses them; its templates take seconds to compile, so that flags.cpp and the
// two files that handle the whole command line, main.cpp and config.cpp, are all that include it.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sonograd {

// What a flag's value must be.
struct Rule {
  std::function<std::string(std::string&)>
      complaint;     // one short line on a value that is not; "" where it is
  std::string type;  // as --help shows it
};
Rule one_of(std::vector<std::string> words);
Rule one_of(std::initializer_list<int> numbers);
Rule from_to(int least, int most);
Rule positive();
Rule not_negative();
Rule share();         // 0 to 1
Rule class_name();    // is_class_name
Rule thread_count();  // up to four times this machine's
Rule seed_number();   // any of 64 bits

// A flag, or an argument where its name has no dashes.
class Flag {
 public:
  explicit Flag(CLI::Option& option) : option(&option) {}

  Flag check(const Rule& rule);
  Flag capture_default_str();                  // --help shows the variable's value as the default
  Flag default_str(const std::string& words);  // it shows these
  Flag description(const std::string& words);
  Flag required();                     // and not the empty word
  Flag delimiter(char between);        // of the values in one word
  Flag expected(int least, int most);  // values; most < 0: no limit
  Flag keep_all();                     // of a flag given more than once, not the last value alone
  Flag once();                         // more values than expected are an error
  Flag needs(Flag other);
  Flag excludes(Flag other);

 private:
  CLI::Option* option;
};

// A command, or a group of them. Copies are of one command.
class Command {
 public:
  explicit Command(CLI::App& parser) : parser_(&parser) {}

  Command add_command(const std::string& name, const std::string& description) const;
  Command get_command(const std::string& name) const;
  void require_command() const;  // of a group: its own name alone does nothing
  void when_called(std::function<void()> call) const;
  void footer(const std::string& words) const;  // of --help

  // T: std::string, int, Int, std::uint64_t, double, and the vectors and optionals of these that are
  // instantiated in flags.cpp.
  template <class T>
  Flag add_option(const std::string& name, T& value, const std::string& words) const;
  Flag add_flag(const std::string& name, bool& value, const std::string& words) const;
  void begin_group(const std::string& title) const;  // of --help, for the flags that are added from now on
  static constexpr auto group_of_all = "Every command";
  Flag get_option(const std::string& name) const;
  void remove_option(const std::string& name) const;
  bool given(const std::string& name) const;        // on the command line
  void hide_option(const std::string& name) const;  // from --help

  CLI::App& parser() const { return *parser_; }

 private:
  CLI::App* parser_;
};

}  // namespace sonograd
