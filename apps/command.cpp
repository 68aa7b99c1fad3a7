#include "apps/command.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <thread>

#include "tensor/gpu.h"
#include "tensor/gpu_policy.h"
#include "tensor/parallel.h"

namespace sonograd {

namespace {

constexpr auto unused = "unused";

// CLI11 hides a flag without a group, but then leaves its name out of errors too.
class Help : public CLI::Formatter {
 public:
  std::string make_group(std::string group, bool positional,
                         std::vector<const CLI::Option*> options) const override {
    return group == unused ? "" : CLI::Formatter::make_group(group, positional, options);
  }
};

CLI::Validator number_that(bool (*holds)(double), const std::string& rule, const std::string& type) {
  const auto complaint = [holds, rule](std::string& text) {
    char* end = nullptr;
    const double value = std::strtod(text.c_str(), &end);
    const bool number = !text.empty() && *end == '\0' && std::isfinite(value);
    if (!number) return fmt::format("must be a number, got {}", text);
    return holds(value) ? "" : fmt::format("must be {}, got {}", rule, text);
  };
  return {complaint, type};
}

// Another machine's number of threads gives its bits here too, but each thread costs memory.
CLI::Validator thread_count() {
  static const double most = std::max(64.0, 4.0 * std::thread::hardware_concurrency());
  return number_that([](double x) { return 0 <= x && x <= most; }, fmt::format("from 0 to {}", most),
                     "COUNT");
}

// CLI11 alone takes -1 and what lies beyond 2^64 for the largest seed.
CLI::Validator seed_number() {
  const auto complaint = [](std::string& text) {
    std::uint64_t seed = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
    const bool whole = error == std::errc() && end == text.data() + text.size();
    return whole ? "" : fmt::format("must be a whole number from 0 to 2^64 - 1, got {}", text);
  };
  return {complaint, "UINT"};
}

}  // namespace

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

CLI::Validator positive() {
  return number_that([](double x) { return x > 0; }, "more than 0", "POSITIVE");
}

CLI::Validator not_negative() {
  return number_that([](double x) { return x >= 0; }, "0 or more", "NONNEGATIVE");
}

CLI::Validator share() {
  return number_that([](double x) { return 0 <= x && x <= 1; }, "from 0 to 1", "0 to 1");
}

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
  command.add_flag(
      "--tf32", shared.tf32,
      "on the gpu, products of f32 values rounded to 10 bits first: faster, errors of some 1e-3");
  command.add_flag("--any-order", shared.any_order,
                   "on the gpu, sums in whatever order is fastest: equal runs may differ in their last bits");
  command
      .add_option("--batch-norm", shared.batch_norm,
                  "on the gpu, whose kernels training's batch norms are: own, or cudnn")
      ->check(CLI::IsMember({"own", "cudnn"}))
      ->capture_default_str();
  command
      .add_option(
          "--attention", shared.attention,
          "on the gpu, whose kernels training's attention is under --dtype bf16 or f16: own, or cudnn")
      ->check(CLI::IsMember({"own", "cudnn"}))
      ->capture_default_str();
  command.add_option("--threads", shared.threads, "CPU threads; 0: all cores")->check(thread_count());
  command.add_option("--seed", shared.seed, "seed of every random draw")
      ->check(seed_number())
      ->capture_default_str();
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

void hide_flags(CLI::App& command, const std::vector<std::string>& flags) {
  for (const std::string& flag : flags) {
    command.get_option(flag)->group(unused);
    if (flag == "--device")
      for (const char* its : {"--tf32", "--any-order", "--batch-norm", "--attention"})
        command.get_option(its)->group(unused);
  }
  command.formatter(std::make_shared<Help>());
}

Device prepare_device(const SharedFlags& shared, std::string_view dtype) {
  if (shared.threads > 0) set_threads(shared.threads);
  const bool may_be_gpu = shared.device == "gpu" || shared.device == "auto";
  std::vector<std::string> its;
  if (shared.tf32) its.emplace_back("--tf32");
  if (shared.any_order) its.emplace_back("--any-order");
  if (shared.batch_norm != "own") its.emplace_back("--batch-norm cudnn");
  if (shared.attention != "own") its.emplace_back("--attention cudnn");
  if (!its.empty() && !may_be_gpu)
    throw UsageError("{} is the gpu's; give --device gpu or auto with it", its.front());
  if (shared.attention != "own" && dtype == "f32")
    throw UsageError(
        "--attention cudnn is of a classifier's training in 16 bits; give --dtype bf16 or f16 with it, or "
        "leave it out");
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
