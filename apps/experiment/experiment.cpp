#include <algorithm>
#include <cstdio>
#include <map>

#include "apps/command.h"
#include "apps/experiment/claims.h"
#include "apps/experiment/experiment.h"
#include "apps/experiment/explanations.h"
#include "apps/experiment/paper.h"
#include "report/table.h"

namespace sonograd {
namespace {

int run_claims(const std::string& data, const SharedFlags& shared) {
  const std::vector<Finding> findings = check_claims(data);
  std::map<Verdict, Int> counts;
  for (const Finding& finding : findings) ++counts[finding.verdict];
  if (shared.json) {
    auto claims = nlohmann::ordered_json::array();
    for (const Finding& f : findings)
      claims.push_back({{"id", f.id},
                        {"where", f.where},
                        {"says", f.says},
                        {"verdict", verdict_name(f.verdict)},
                        {"evidence", f.evidence}});
    const nlohmann::ordered_json json{{"paper", paper().title},
                                      {"verified", counts[Verdict::verified]},
                                      {"contradicted", counts[Verdict::contradicted]},
                                      {"untestable", counts[Verdict::untestable]},
                                      {"claims", std::move(claims)}};
    print_json(json);
    return 0;
  }
  fmt::print("{}\n\n", paper().title);
  for (const Finding& f : findings)
    fmt::print("{:<13} {}: {}\n{:13} {}\n", verdict_name(f.verdict), f.where, f.says, "", f.evidence);
  fmt::print("\n{} claims: {} verified, {} contradicted, {} untestable here\n", findings.size(),
             counts[Verdict::verified], counts[Verdict::contradicted], counts[Verdict::untestable]);
  return 0;
}

}  // namespace

void add_experiment(Program& program) {
  CLI::App& experiment = *program.app.add_subcommand("experiment", "The paper's tables, figures and claims");
  experiment.require_subcommand(1);
  const auto data = std::make_shared<std::string>();
  auto& claims = program.add_under(
      experiment, "claims", "Every claim of the paper: verified, contradicted or untestable here",
      "  sonograd experiment claims\n  sonograd experiment claims --data busi --json",
      [data, &program] { return run_claims(*data, program.shared); });
  claims.add_option("--data", *data, "folder with a sub-folder a class, for the claims that count images");
  hide_flags(claims, {"--device", "--threads", "--seed", "--keras", "--quiet"});
  add_explanations(program, experiment);
  add_experiment_runs(program, experiment);
  add_ladder(program, experiment);
  add_folds(program, experiment);
}

}  // namespace sonograd
