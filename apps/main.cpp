#include <CLI/CLI.hpp>
#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <new>
#include <stdexcept>
#include <system_error>

#include "apps/command.h"
#include "apps/fallbacks.h"
#include "apps/processes.h"
#include "apps/stop.h"
#include "base/nearest_name.h"
#include "train/checkpoint.h"

// sonograd: one program, a file per sub-command. Exit status 0: done; 1: the work failed or a check did not
// hold; 2: bad usage.
namespace sonograd {
namespace {

constexpr auto too_large = "out of memory; use smaller numbers, such as of --batch or --image-size";

// The first line alone, in the form of our own errors.
std::string one_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  if (!text.empty()) text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  return text;
}

// The command that was called, as far as the words tell, and its whole name.
struct Called {
  const CLI::App* command;
  std::string name = "sonograd";
};
Called called(const CLI::App& app) {
  Called found{&app};
  while (!found.command->get_subcommands().empty()) {
    found.command = found.command->get_subcommands().back();
    found.name += " " + found.command->get_name();
  }
  return found;
}

// The first word that the command does not take, with what it may stand for; "" where there is none.
std::string stray_word(const CLI::App& app) {
  std::vector<std::string> words = app.remaining(/*recurse=*/true);
  words.erase(std::remove(words.begin(), words.end(), "--"), words.end());
  if (words.empty()) return "";
  const auto& [command, name] = called(app);
  std::vector<std::string> known;
  for (const CLI::Option* option : command->get_options()) known.push_back(option->get_name());
  for (const CLI::App* below : command->get_subcommands({})) known.push_back(below->get_name());
  const std::string meant = did_you_mean(words.front(), known);
  return fmt::format("`{}` takes no {}{}", name, words.front(),
                     meant.empty() ? fmt::format("; `{} --help` shows what there is", name) : meant);
}

std::string stdout_failure(int error) {
  return fmt::format("cannot write to stdout: {}; is the disk full, or the reader gone?",
                     std::strerror(error));
}

// The exit status once all that went to stdout has arrived.
int delivered(int status) {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) throw Error(stdout_failure(errno));
  return status;
}

int run(int argc, char** argv, Group& group) {
  CLI::App app(
      "Sonograd: breast ultrasound classification after the AEGANB3 paper, with every operation open to "
      "check.",
      "sonograd");
  app.fallthrough(false);
  app.set_version_flag("--version", "sonograd " SONOGRAD_VERSION);
  app.footer("`sonograd COMMAND --help` shows a command's flags with examples.");
  app.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  Program program{Command(app)};
  program.group = &group;
  program.name = argv[0];
  for (int i = 0; i < argc; ++i) program.command_line += (i == 0 ? "" : " ") + shell_word(argv[i]);

  for (const auto add : {add_demo, add_summary, add_init, add_predict, add_loss, add_train, add_evaluate,
                         add_explain, add_compare, add_compare_activations, add_data, add_gan, add_bench,
                         add_gradcheck, add_audit, add_weights, add_zoo, add_experiment})
    add(program);

  const ConfiguredArguments arguments = with_config({argv + 1, argv + argc}, program.all);
  try {
    app.parse(std::vector<std::string>(arguments.words.rbegin(), arguments.words.rend()));  // from the back
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return delivered(app.exit(error));  // --help, --version
    const std::string stray = stray_word(app);
    if (!stray.empty()) throw UsageError("{}", stray);  // first: it may be why another flag is missing
    throw UsageError("{}{}; `{} --help` shows what there is", one_line(error.what()),
                     arguments.source_of(error.what()), called(app).name);
  }
  if (!program.chosen) throw UsageError("which command? `sonograd --help` lists them");
  if (!group.alone() && !app.got_subcommand("train"))
    throw UsageError("several processes run `train` alone; start other commands without mpirun");
  const int status = program.chosen();
  tell_fallbacks();
  return delivered(status);
}

}  // namespace
}  // namespace sonograd

int main(int argc, char** argv) {
  using namespace sonograd;
  std::signal(SIGXFSZ, SIG_IGN);  // a file over the limit is then an error of write(), as a full disk is
  handle_stop_signals();
  Processes all;
  try {
    all.join();
    return run(argc, argv, all.group());
  } catch (const Stopped& stopped) {
    return all.stop(stopped.what(), 128 + (stop_signal() != 0 ? stop_signal() : SIGTERM));
  } catch (const UsageError& error) {
    return all.fail(error.what(), 2);
  } catch (const std::bad_alloc&) {
    return all.fail(too_large, 1);
  } catch (const std::length_error&) {  // more than can be counted
    return all.fail(too_large, 1);
  } catch (const std::filesystem::filesystem_error& error) {  // as of a link to itself
    return all.fail(fmt::format("{}: {}; check the path", error.path1().string(), error.code().message()), 1);
  } catch (const std::system_error& error) {  // fmt's, where stdout does not take its words
    return all.fail(std::ferror(stdout) != 0 ? stdout_failure(error.code().value()) : error.what(), 1);
  } catch (const std::exception& error) {
    return all.fail(error.what(), 1);
  }
}
