#include "apps/checks.h"
#include "apps/command.h"
#include "base/parallel.h"
#include "report/table.h"

namespace sonograd {
namespace {

const Check* find(const CheckReport& report, const std::string& what) {
  for (const Check& check : report.checks)
    if (check.what == what) return &check;
  return nullptr;
}

std::string error_text(const Check* check) {
  if (check == nullptr) return "–";
  return fmt::format("{:.1e}{}", check->max_error, check->ok ? "" : " FAILED");
}

// A missing cpu kernel is no failure: the reference does its work, and the table says so. On the gpu nothing
// would: such an op is an error where it is called.
std::string kernel(const OpEntry& op, Device device) {
  if (op.is_view) return "view";
  if (op.kernels.count(device) > 0) return "yes";
  return device == Device::cpu ? "falls back" : "none";
}

void print_json(const std::vector<CheckReport>& reports, Device last, Int failed) {
  const bool gpu = last == Device::gpu;
  auto ops = nlohmann::ordered_json::array();
  for (const CheckReport& report : reports) {
    const OpEntry& op = registry().at(report.name);
    nlohmann::ordered_json row{{"name", report.name},       {"equation", op.equation},
                               {"arguments", op.arguments}, {"samples", op.good.size()},
                               {"kernels", {"reference"}},  {"cpu", kernel(op, Device::cpu)},
                               {"ok", report.ok()}};
    for (const auto& entry : op.kernels) row["kernels"].push_back(name_of(entry.first));
    const auto put = [&](const char* key, const char* what) {
      const Check* const check = find(report, what);
      row[key] = check ? nlohmann::ordered_json(check->max_error) : nlohmann::ordered_json(nullptr);
    };
    put("error", "values on cpu");
    put("gradient_error", "gradient");
    put("vjp_error", "vjp on cpu");
    put("adjoint_error", "adjoint on cpu");
    if (gpu) {
      row["gpu"] = kernel(op, Device::gpu);
      put("gpu_error", "values on gpu");
      put("gpu_vjp_error", "vjp on gpu");
      put("gpu_adjoint_error", "adjoint on gpu");
    }
    for (const Check& check : report.checks) row["checks"].push_back(json_of(check));
    ops.push_back(std::move(row));
  }
  auto devices = nlohmann::ordered_json::array();
  for (const Device device : {Device::reference, Device::cpu, Device::gpu})
    if (device <= last) devices.push_back(name_of(device));
  const nlohmann::ordered_json json{
      {"devices", std::move(devices)}, {"failed", failed}, {"ops", std::move(ops)}};
  sonograd::print_json(json);
}

void print_table(const std::vector<CheckReport>& reports, Device last, Int failed) {
  const bool gpu = last == Device::gpu;
  Table table{{"op", "gradient in f64", "cpu kernel", "values", "vjp", "adjoint"}, {}};
  if (gpu)
    for (const char* column : {"gpu kernel", "values", "vjp", "adjoint"}) table.header.emplace_back(column);
  Int fast = 0, views = 0;
  for (const CheckReport& report : reports) {
    const OpEntry& op = registry().at(report.name);
    fast += op.kernels.count(Device::cpu) > 0 ? 1 : 0;
    views += op.is_view ? 1 : 0;
    std::vector<std::string> row{report.name, error_text(find(report, "gradient"))};
    for (const Device device : {Device::cpu, Device::gpu}) {
      if (device == Device::gpu && !gpu) continue;
      row.push_back(kernel(op, device));
      for (const char* check : {"values", "vjp", "adjoint"})
        row.push_back(error_text(find(report, fmt::format("{} on {}", check, name_of(device)))));
    }
    table.rows.push_back(std::move(row));
  }
  fmt::print(
      "Largest relative errors over each op's samples: gradients against finite differences in f64, {} "
      "against\n"
      "the reference in f32 (values, vjp, adjoint identity).\n\n{}\n{} ops: {} with a cpu kernel, {} views, "
      "{} fall "
      "back to the reference; {} failed\n",
      gpu ? "cpu and gpu" : "cpu", table.text(), reports.size(), fast, views,
      static_cast<Int>(reports.size()) - fast - views, failed);
  for (const CheckReport& report : reports)
    for (const Check& check : report.checks)
      if (!check.ok) fmt::print("\n{}, {}: {}\n", report.name, check.what, check.text);
}

}  // namespace

void add_audit(Program& program) {
  const Command command =
      program.add("audit", "Every op by device: kernels, errors against the reference, gradient errors",
                  "  sonograd audit\n  sonograd audit --device gpu\n  sonograd audit --json", [&program] {
                    const Device last = prepare_device(program.shared);
                    std::vector<CheckJob> jobs;
                    for (const std::string& name : op_names()) jobs.push_back(op_job(name, false, last));
                    const std::vector<CheckReport> reports = run_checks(jobs, 1, program.shared.quiet);
                    Int failed = 0;
                    for (const CheckReport& report : reports) failed += report.ok() ? 0 : 1;
                    if (program.shared.json)
                      print_json(reports, last, failed);
                    else
                      print_table(reports, last, failed);
                    return failed > 0 ? 1 : 0;
                  });
  command.get_option("--device")
      .description(
          "up to which device ops are held against the reference: reference (gradients alone), cpu, gpu or "
          "auto");
  hide_flags(command, {"--attention", "--seed", "--keras"});
}

}  // namespace sonograd
