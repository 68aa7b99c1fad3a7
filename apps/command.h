#pragma once
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "apps/flags.h"
#include "base/error.h"
#include "tensor/tensor.h"

namespace sonograd {

class Group;

// Flags that every sub-command takes.
struct SharedFlags {
  std::string device = "cpu";
  int threads = 0;  // 0: all cores
  std::uint64_t seed = 42;
  bool quiet = false, json = false;
  bool tf32 = false, any_order = false;  // the gpu's, as the next is
  std::string batch_norm = "own", attention = "own";
  int keras = 0;       // 2 or 3; 0: 2 with --protocol paper, else as the weights tell, else 3
  std::string config;  // taken apart before parsing; here for --help alone
};

// The command line as the sub-commands build it and main() runs it.
struct Program {
  explicit Program(Command all) : all(all) {}

  Command all;  // the program's own name, above its sub-commands
  SharedFlags shared;
  std::function<int()> chosen;  // what the sub-command on the command line does; its value is the exit status
  std::string name, command_line;  // as typed; the line as a shell takes it again
  Group* group = nullptr;          // the processes that run the command

  // A sub-command with the shared flags, an example per line of `examples`, and what it does.
  Command add(const std::string& name, const std::string& description, const std::string& examples,
              std::function<int()> run);
  Command add_under(const Command& parent, const std::string& name, const std::string& description,
                    const std::string& examples, std::function<int()> run);
  Command add_group(const std::string& name, const std::string& description) const;  // of sub-commands
};

// A word of a command line as a shell takes it again: quoted where it holds what a shell would read.
std::string shell_word(const std::string& word);

// Every command takes the shared flags, for scripts; its --help leaves out those that do nothing there.
void hide_flags(const Command& command, const std::vector<std::string>& flags);

// What the flags of a command that trains a classifier ask of the device besides.
struct ClassifierTraining {
  std::string_view dtype = {};  // of products, which --attention cudnn rests on; empty: none is trained
  bool cuda_graph = false;
};

// The device that the flags ask for; `auto` and `gpu` are told apart here. Sets the number of threads. Throws
// UsageError for a flag of the gpu's beside another device; where `auto` goes on with the cpu, a line on
// stderr says without which of them.
Device prepare_device(const SharedFlags& shared, const ClassifierTraining& training = {});

// What a manifest says of it: the gpu by its name, and where `auto` went on with the cpu, why.
std::string device_text(const SharedFlags& shared);

// The words of a command line with `--config F` replaced by the flags that F holds, less those on the line,
// which so win. Throws UsageError, which names F, for what is no flag of the command or no value.
struct ConfiguredArguments {
  std::vector<std::string> words;
  std::string path;
  std::vector<std::string> flags;  // F's: --name=value, or --name
  // " in --config F" where a fault is one of those; else "".
  std::string source_of(const std::string& fault) const;
};
ConfiguredArguments with_config(std::vector<std::string> arguments, const Command& all);

// JSON as it is printed and written; of a file's name bytes that are no UTF-8 become the replacement
// character.
std::string json_text(const nlohmann::ordered_json& json);
void print_json(const nlohmann::ordered_json& json);  // for --json

// write_phantoms with a progress bar.
void draw_phantoms(const std::string& folder, Int count, Int size, const SharedFlags& shared);

// One function per sub-command, in the file of its name; `loss` stands beside `evaluate`.
void add_demo(Program& program);
void add_summary(Program& program);
void add_init(Program& program);
void add_predict(Program& program);
void add_loss(Program& program);
void add_train(Program& program);
void add_evaluate(Program& program);
void add_explain(Program& program);
void add_compare(Program& program);
void add_compare_activations(Program& program);
void add_data(Program& program);
void add_data_audit(Program& program, const Command& data);
void add_data_verify(Program& program, const Command& data);
void add_gan(Program& program);
void add_bench(Program& program);
void add_gradcheck(Program& program);
void add_audit(Program& program);
void add_weights(Program& program);
void add_zoo(Program& program);
void add_experiment(Program& program);

}  // namespace sonograd
