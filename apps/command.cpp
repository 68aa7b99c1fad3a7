#include "apps/command.h"

#include <cstdio>

#include "tensor/parallel.h"

namespace sonograd {

CLI::App& Program::add(const std::string& name, const std::string& description, const std::string& examples,
                       std::function<int()> run) {
  return add_under(app, name, description, examples, std::move(run));
}

CLI::App& Program::add_under(CLI::App& parent, const std::string& name, const std::string& description,
                             const std::string& examples, std::function<int()> run) {
  CLI::App& command = *parent.add_subcommand(name, description);
  command.footer("Examples:\n" + examples);
  command.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  command.add_option("--device", shared.device, "reference, cpu, gpu or auto")
      ->check(CLI::IsMember({"reference", "cpu", "gpu", "auto"}))
      ->capture_default_str();
  command.add_option("--threads", shared.threads, "CPU threads; 0: all cores")->check(CLI::NonNegativeNumber);
  command.add_option("--seed", shared.seed, "seed of every random draw")->capture_default_str();
  command
      .add_option("--keras", shared.keras,
                  "whose rules where Keras 2 and 3 differ; default 2 with --protocol paper, else the "
                  "weights', else 3")
      ->check(CLI::IsMember({2, 3}));
  command.add_option("--config", shared.config, "file of flags: a JSON object, or lines `name = value`");
  command.add_flag("--quiet", shared.quiet, "no progress on stderr");
  command.add_flag("--json", shared.json, "one JSON object on stdout and nothing else");
  command.callback([this, run = std::move(run)] { chosen = run; });
  return command;
}

Device prepare_device(const SharedFlags& shared) {
  if (shared.threads > 0) set_threads(shared.threads);
  if (shared.device == "reference") return Device::reference;
  if (shared.device == "gpu")
    throw Error("--device gpu: this build has no gpu device; use --device cpu, or auto to let it choose");
  if (shared.device == "auto")
    std::fprintf(stderr, "sonograd: no gpu device in this build, going on with the cpu\n");
  return Device::cpu;
}

}  // namespace sonograd
