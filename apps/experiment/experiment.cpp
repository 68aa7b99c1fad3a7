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
  const std::vector<CheckedClaim> claims = check_claims(data);
  std::map<Verdict, Int> counts;
  for (const CheckedClaim& claim : claims) ++counts[claim.verdict];
  if (shared.json) {
    auto list = nlohmann::ordered_json::array();
    for (const CheckedClaim& c : claims)
      list.push_back({{"id", c.id},
                      {"where", c.where},
                      {"says", c.says},
                      {"verdict", verdict_name(c.verdict)},
                      {"evidence", c.evidence}});
    const nlohmann::ordered_json json{{"paper", paper().title},
                                      {"verified", counts[Verdict::verified]},
                                      {"consistent", counts[Verdict::consistent]},
                                      {"contradicted", counts[Verdict::contradicted]},
                                      {"untestable", counts[Verdict::untestable]},
                                      {"claims", std::move(list)}};
    print_json(json);
    return 0;
  }
  fmt::print("{}\n\n", paper().title);
  for (const CheckedClaim& c : claims)
    fmt::print("{:<13} {}: {}\n{:13} {}\n", verdict_name(c.verdict), c.where, c.says, "", c.evidence);
  fmt::print(
      "\n{} claims: {} verified, {} consistent with the paper's own numbers, {} contradicted, {} "
      "untestable here\n",
      claims.size(), counts[Verdict::verified], counts[Verdict::consistent], counts[Verdict::contradicted],
      counts[Verdict::untestable]);
  return 0;
}

}  // namespace

void add_experiment(Program& program) {
  const Command experiment = program.add_group("experiment", "The paper's tables, figures and claims");
  const auto data = std::make_shared<std::string>();
  const Command claims = program.add_under(
      experiment, "claims",
      "Every claim of the paper: verified, consistent with its own numbers, contradicted or untestable here",
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
