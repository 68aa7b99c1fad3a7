#include "apps/command.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/parallel.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/policy.h"

namespace sonograd {

std::string shell_word(const std::string& word) {
  constexpr auto plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
  if (!word.empty() && word.find_first_not_of(plain) == std::string::npos) return word;
  std::string quoted = "'";
  for (const char c : word) quoted += c == '\'' ? "'\\''" : std::string(1, c);
  return quoted + "'";
}

std::string json_text(const nlohmann::ordered_json& json) {
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

void print_json(const nlohmann::ordered_json& json) {
  fmt::print("{}", json_text(json));
}

Command Program::add(const std::string& name, const std::string& description, const std::string& examples,
                     std::function<int()> run) {
  return add_under(all, name, description, examples, std::move(run));
}

Command Program::add_group(const std::string& name, const std::string& description) const {
  const Command group = all.add_command(name, description);
  group.require_command();
  return group;
}

Command Program::add_under(const Command& parent, const std::string& name, const std::string& description,
                           const std::string& examples, std::function<int()> run) {
  const Command command = parent.add_command(name, description);
  command.footer("Examples:\n" + examples);
  command.begin_group(Command::group_of_all);
  command.add_option("--device", shared.device, "reference, cpu, gpu or auto")
      .check(one_of({"reference", "cpu", "gpu", "auto"}))
      .capture_default_str();
  command.add_flag(
      "--tf32", shared.tf32,
      "on the gpu, products of f32 values rounded to 10 bits first: faster, errors of some 1e-3");
  command.add_flag("--any-order", shared.any_order,
                   "on the gpu, sums in whatever order is fastest: equal runs may differ in their last bits");
  command
      .add_option("--batch-norm", shared.batch_norm,
                  "on the gpu, whose kernels training's batch norms are: own, or cudnn")
      .check(one_of({"own", "cudnn"}))
      .capture_default_str();
  command
      .add_option(
          "--attention", shared.attention,
          "on the gpu, whose kernels training's attention is under --dtype bf16 or f16: own, or cudnn")
      .check(one_of({"own", "cudnn"}))
      .capture_default_str();
  command.add_option("--threads", shared.threads, "CPU threads; 0: all cores").check(thread_count());
  command.add_option("--seed", shared.seed, "seed of every random draw")
      .check(seed_number())
      .capture_default_str();
  command
      .add_option("--keras", shared.keras,
                  "whose rules where Keras 2 and 3 differ; default 2 with --protocol paper, else the "
                  "weights', else 3")
      .check(one_of({2, 3}));
  command.add_option("--config", shared.config, "file of flags: a JSON object, or lines `name = value`");
  command.add_flag("--quiet", shared.quiet, "no progress on stderr");
  command.add_flag("--json", shared.json, "one JSON object on stdout and nothing else");
  command.begin_group("Options");
  command.when_called([this, run = std::move(run)] { chosen = run; });
  return command;
}

void hide_flags(const Command& command, const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    command.hide_option(flag);
    if (flag == "--device")
      for (const char* its : {"--tf32", "--any-order", "--batch-norm", "--attention"})
        command.hide_option(its);
  }
}

Device prepare_device(const SharedFlags& shared, const ClassifierTraining& training) {
  if (shared.threads > 0) set_threads(shared.threads);
  const bool may_be_gpu = shared.device == "gpu" || shared.device == "auto";
  std::vector<std::string> its;
  if (shared.tf32) its.emplace_back("--tf32");
  if (shared.any_order) its.emplace_back("--any-order");
  if (shared.batch_norm != "own") its.emplace_back("--batch-norm cudnn");
  if (shared.attention != "own") its.emplace_back("--attention cudnn");
  if (training.cuda_graph) its.emplace_back("--cuda-graph");
  if (!its.empty() && !may_be_gpu)
    throw UsageError("{} is the gpu's; give --device gpu or auto with it", its.front());
  if (shared.attention != "own" && (training.dtype.empty() || training.dtype == "f32"))
    throw UsageError("--attention cudnn is of a classifier's training in 16 bits; {}leave it out",
                     training.dtype.empty() ? "" : "give --dtype bf16 or f16 with it, or ");
  if (!may_be_gpu) return shared.device == "reference" ? Device::reference : Device::cpu;  // no gpu is woken
  const std::string& why_not = gpu::why_not();
  if (shared.device == "gpu" && !why_not.empty())
    throw Error("--device gpu: {}; use --device cpu, or auto to let it choose", why_not);
  if (!why_not.empty()) {
    fmt::print(stderr, "sonograd: {}, going on with the cpu{}\n", why_not,
               its.empty() ? "" : fmt::format(", without {}", fmt::join(its, ", ")));
    return Device::cpu;
  }
  gpu::policy() = {shared.tf32, !shared.any_order, shared.batch_norm == "cudnn", shared.attention == "cudnn"};
  return Device::gpu;
}

std::string device_text(const SharedFlags& shared) {
  if (shared.device != "gpu" && shared.device != "auto") return shared.device;
  const std::string& why_not = gpu::why_not();
  if (why_not.empty())
    return "gpu: " + gpu::description() + (shared.tf32 ? ", tf32" : "") +
           (shared.any_order ? ", sums in any order" : "") +
           (shared.batch_norm == "cudnn" ? ", batch norms by cuDNN" : "") +
           (shared.attention == "cudnn" ? ", attention by cuDNN" : "");
  return "cpu, as " + why_not;
}

}  // namespace sonograd
