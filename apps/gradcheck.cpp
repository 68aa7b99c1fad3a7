#include <algorithm>

#include "apps/checks.h"
#include "apps/command.h"
#include "base/parallel.h"
#include "models/zoo.h"
#include "report/table.h"

namespace sonograd {
namespace {

struct Flags {
  std::vector<std::string> ops, layers, models;
  bool all = false, f32 = false;
};

// Each op and those that its gradient is made of: conv2d, conv2d_grad_w, conv2d_grad_x.
std::vector<std::string> with_gradient_ops(const std::vector<std::string>& chosen) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  };
  for (const std::string& op : chosen) {
    add(op);
    for (const std::string& name : op_names())
      if (name.starts_with(op + "_grad")) add(name);
  }
  return names;
}

std::vector<CheckJob> chosen_jobs(const Flags& flags, Device last) {
  std::vector<CheckJob> jobs;
  // Models first: they take longest.
  for (const std::string& name : flags.all ? model_names() : flags.models)
    jobs.push_back(model_job(name, flags.f32));
  for (const std::string& name : flags.all ? op_names() : with_gradient_ops(flags.ops))
    jobs.push_back(op_job(name, flags.f32, last));
  for (const std::string& name : flags.all ? layer_names() : flags.layers)
    jobs.push_back(layer_job(name, flags.f32));
  if (jobs.empty())
    throw UsageError("nothing to check; name it with --op, --layer or --model, or take --all");
  return jobs;
}

void print_json(const std::vector<CheckReport>& reports, Int failed) {
  auto results = nlohmann::ordered_json::array();
  for (const CheckReport& report : reports) {
    const Check& check = report.headline();
    nlohmann::ordered_json row{{"name", report.name},
                               {"kind", report.kind},
                               {"max_error", check.max_error},
                               {"tolerance", check.tolerance},
                               {"ok", report.ok()}};
    for (const Check& c : report.checks) row["checks"].push_back(json_of(c));
    results.push_back(std::move(row));
  }
  const nlohmann::ordered_json json{
      {"checked", reports.size()}, {"failed", failed}, {"results", std::move(results)}};
  sonograd::print_json(json);
}

void print_table(const std::vector<CheckReport>& reports, Int failed) {
  Table table{{"name", "kind", "check", "largest error", "tolerance", ""}, {}};
  for (const CheckReport& report : reports) {
    const Check& check = report.headline();
    table.rows.push_back({report.name, report.kind, check.what, fmt::format("{:.2g}", check.max_error),
                          fmt::format("{:.2g}", check.tolerance), report.ok() ? "ok" : "FAILED"});
  }
  fmt::print("{}", table.text());
  for (const CheckReport& report : reports)
    for (const Check& check : report.checks)
      if (!check.ok) fmt::print("\n{} {}, {}: {}\n", report.kind, report.name, check.what, check.text);
  fmt::print("\n{} checked, {} failed\n", reports.size(), failed);
}

int run_gradcheck(const Flags& flags, const SharedFlags& shared) {
  if (shared.device == "gpu" && flags.ops.empty() && !flags.all)
    throw UsageError(
        "--device gpu is for ops (--op or --all): layers and models are checked in f64 on the reference");
  const Device device = prepare_device(shared);
  const std::vector<CheckReport> reports = run_checks(chosen_jobs(flags, device), threads(), shared.quiet);
  Int failed = 0;
  for (const CheckReport& report : reports) failed += report.ok() ? 0 : 1;
  if (shared.json)
    print_json(reports, failed);
  else
    print_table(reports, failed);
  const Int ops = static_cast<Int>(registry().ops().size());
  const Int folders = static_cast<Int>(op_folders().size());
  expect(!flags.all || ops >= folders,
         "{} ops are registered but ops/ has {} folders; build anew so that each is found", ops, folders);
  return failed > 0 ? 1 : 0;
}

}  // namespace

void add_gradcheck(Program& program) {
  const auto flags = std::make_shared<Flags>();
  const Command command =
      program.add("gradcheck", "Gradients of ops, layers and models against finite differences",
                  "  sonograd gradcheck --all\n"
                  "  sonograd gradcheck --op conv2d softmax --layer attention\n"
                  "  sonograd gradcheck --model mini --json",
                  [flags, &program] { return run_gradcheck(*flags, program.shared); });
  const auto names = [&](const std::string& flag, std::vector<std::string>& list, const std::string& text) {
    command.add_option(flag, list, text).expected(1, -1).keep_all().delimiter(',');
  };
  names("--op", flags->ops, "registered ops, with the ops of their gradients");
  names("--layer", flags->layers, "layer samples");
  names("--model", flags->models, "models of the zoo, at the least image size that they take");
  command.add_flag("--all", flags->all, "every op, layer and model");
  command.add_flag("--f32", flags->f32, "in f32, where a wrong gradient of 1e-3 passes");
  command.get_option("--device")
      .description(
          "up to which device ops are held against the reference: reference (gradients alone), cpu, gpu or "
          "auto");
  hide_flags(command, {"--attention", "--seed", "--keras"});
}

}  // namespace sonograd
