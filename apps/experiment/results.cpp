#include "apps/experiment/results.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "apps/experiment/folder.h"
#include "base/file.h"
#include "models/zoo.h"
#include "report/history.h"
#include "report/manifest.h"
#include "report/run_folder.h"

namespace sonograd {
namespace {

// Images right in validation with the weights that are kept.
Int validated_right(const History& history, const std::string& phase, Int validated) {
  double best = 0;
  for (const Epoch& epoch : history)
    if (epoch.phase == phase) best = std::max(best, epoch.val_accuracy);
  return std::lround(best * static_cast<double>(validated));
}

}  // namespace

std::vector<Result> results_of(const std::vector<Row>& rows, const ExperimentFlags& flags,
                               std::uint64_t seed) {
  std::vector<Result> results;
  for (const Row& row : rows) {
    const RunFolder run = RunFolder::at(folder_of(flags, row));
    const History history = read_history(run.history());
    const Manifest manifest = read_manifest(run.manifest());
    Int validated = 0;
    std::vector<std::string> classes;
    for (const ClassCount& c : manifest.classes) {
      validated += c.validation;
      classes.push_back(c.name);
    }
    const Int parameters = count_elements(make_model({.name = row.trained, .classes = classes}).parameters(),
                                          [](const Parameter&) { return true; });
    for (const auto& [phase, facts] : manifest.phases) {
      const auto metrics = run.path() / fmt::format("metrics-{}.json", phase);
      if (!std::filesystem::exists(metrics)) continue;  // the paper's rule: none after a perfect validation
      if (!results.empty() && results.back().folder == run.path()) results.back().last = false;
      results.push_back(
          {row, run.path().string(), phase, true, parameters, validated_right(history, phase, validated),
           validated, read_metrics(metrics),
           grouped_bootstrap(judged_tests(run, run.path() / fmt::format("predictions-{}.csv", phase)), seed),
           &paper().row(row.model, row.arm, phase == "transfer" ? phase : "finetune"), manifest});
      for (const Epoch& epoch : history) {
        if (epoch.phase != phase) continue;
        ++results.back().epochs;
        results.back().seconds += epoch.seconds;
      }
    }
  }
  return results;
}

}  // namespace sonograd
