#include "apps/checks.h"
#include "apps/command.h"
#include "report/table.h"
#include "tensor/parallel.h"

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

// A missing cpu kernel is no failure: the reference does its work, and the table says so.
std::string cpu_kernel(const OpEntry& op) {
  if (op.is_view) return "view";
  return op.kernels.count(Device::cpu) > 0 ? "yes" : "falls back";
}

void print_json(const std::vector<CheckReport>& reports, Int failed) {
  auto ops = nlohmann::ordered_json::array();
  for (const CheckReport& report : reports) {
    const OpEntry& op = registry().at(report.name);
    nlohmann::ordered_json row{{"name", report.name},       {"equation", op.equation},
                               {"arguments", op.arguments}, {"samples", op.good.size()},
                               {"kernels", {"reference"}},  {"cpu", cpu_kernel(op)},
                               {"ok", report.ok()}};
    for (const auto& [device, kernel] : op.kernels) row["kernels"].push_back(name_of(device));
    const auto put = [&](const char* key, const char* what) {
      const Check* const check = find(report, what);
      row[key] = check ? nlohmann::ordered_json(check->max_error) : nlohmann::ordered_json(nullptr);
    };
    put("error", "values on cpu");
    put("gradient_error", "gradient");
    put("vjp_error", "vjp on cpu");
    put("adjoint_error", "adjoint on cpu");
    for (const Check& check : report.checks) row["checks"].push_back(json_of(check));
    ops.push_back(std::move(row));
  }
  const nlohmann::ordered_json json{
      {"devices", {"reference", "cpu"}}, {"failed", failed}, {"ops", std::move(ops)}};
  sonograd::print_json(json);
}

void print_table(const std::vector<CheckReport>& reports, Int failed) {
  Table table{{"op", "cpu kernel", "values", "vjp", "adjoint", "gradient in f64"}, {}};
  Int fast = 0, views = 0;
  for (const CheckReport& report : reports) {
    const OpEntry& op = registry().at(report.name);
    fast += op.kernels.empty() ? 0 : 1;
    views += op.is_view ? 1 : 0;
    table.rows.push_back({report.name, cpu_kernel(op), error_text(find(report, "values on cpu")),
                          error_text(find(report, "vjp on cpu")), error_text(find(report, "adjoint on cpu")),
                          error_text(find(report, "gradient"))});
  }
  fmt::print(
      "Largest relative errors over each op's samples: cpu against the reference in f32 (values, vjp, "
      "adjoint\n"
      "identity), gradients against finite differences in f64.\n\n{}\n{} ops: {} with a cpu kernel, {} "
      "views, {} fall "
      "back to the reference; {} failed\n",
      table.text(), reports.size(), fast, views, static_cast<Int>(reports.size()) - fast - views, failed);
  for (const CheckReport& report : reports)
    for (const Check& check : report.checks)
      if (!check.ok) fmt::print("\n{}, {}: {}\n", report.name, check.what, check.text);
}

}  // namespace

void add_audit(Program& program) {
  const Command command =
      program.add("audit", "Every op on every device: kernels, errors against the reference, gradient errors",
                  "  sonograd audit\n  sonograd audit --json", [&program] {
                    prepare_device(program.shared);
                    std::vector<CheckJob> jobs;
                    for (const std::string& name : op_names()) jobs.push_back(op_job(name, false));
                    const std::vector<CheckReport> reports = run_checks(jobs, 1, program.shared.quiet);
                    Int failed = 0;
                    for (const CheckReport& report : reports) failed += report.ok() ? 0 : 1;
                    if (program.shared.json)
                      print_json(reports, failed);
                    else
                      print_table(reports, failed);
                    return failed > 0 ? 1 : 0;
                  });
  hide_flags(command, {"--device", "--seed", "--keras"});
}

}  // namespace sonograd
