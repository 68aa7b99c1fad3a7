#pragma once
#include <filesystem>
#include <optional>
#include <string>

#include "report/delong.h"
#include "report/predictions.h"
#include "report/table.h"

namespace sonograd {

// Exact McNemar test of two classifiers on the same images: of those that only one of them has right, how far
// from one half is the first one's share. Two-sided binomial p, 1 where they differ nowhere.
struct McNemar {
  Int both_right = 0, only_first = 0, only_second = 0, both_wrong = 0;
  double p = 1;
};
McNemar mcnemar(Int both_right, Int only_first, Int only_second, Int both_wrong);

// Empty, with a reason in `why`, where the files or their true labels are not the same in both.
std::optional<McNemar> mcnemar(const Predictions& first, const Predictions& second, std::string& why);

struct RunComparison {
  std::string first, second;  // the folders
  Table settings;             // "setting", first, second: the rows that differ, times of day left out
  Table results;              // "result", first, second, difference: every number of metrics.json
  std::optional<McNemar> test;
  std::string no_test;  // why there is none
  // With the test: whether the areas under the ROC curves differ, one class against the rest.
  std::vector<std::pair<std::string, AucComparison>> aucs;

  // At most 100 columns wide. The results that differ, or all; the command lines are left out, as the
  // settings say what was in them.
  std::string text(bool all = false) const;
  std::string json() const;  // settings{}, results{}, mcnemar{} or null, delong{}
};

// Both folders must hold manifest.json; metrics and predictions are compared where both have them.
RunComparison compare_runs(const std::filesystem::path& first, const std::filesystem::path& second);

}  // namespace sonograd
