#pragma once
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "report/pairwise.h"

namespace sonograd {

enum class Standing { supported, contradicted, not_told_apart, not_tested };
std::string_view standing_name(Standing standing);

// One of two classifiers that are compared.
struct Side {
  std::string model, data;
  Int correct = 0, n = 0;
  double share() const { return static_cast<double>(correct) / static_cast<double>(n); }
};

// A claim of the paper's that one classifier does better than another, judged on our runs.
struct Finding {
  std::string id, claim;
  Side better, other;           // as the paper has it
  std::optional<McNemar> test;  // where both answered the same test images
  std::string no_test = {};     // why there is none
  double p = std::numeric_limits<double>::quiet_NaN();
  double holm = p;          // p corrected for all findings that were tested (Holm 1979)
  double paper_points = p;  // what the paper's test accuracies differ by
  Standing standing = Standing::not_tested;

  double points() const { return 100 * (better.share() - other.share()); }
};

// The paper's comparative claims, as far as there are answers for them: the proposed model is the best on
// each data set, attention helps on each, augmented copies help each model, the DCGAN's pictures do, and more
// than copies. `tested`: the data sets are original, augmented, gan. A claim is supported or contradicted
// where Holm's p is below 0.05. That a model is the best of several is supported by the largest of its p
// (Berger 1982: all must hold) and contradicted by the rival furthest ahead, whose p counts once a rival.
std::vector<Finding> findings_of(const std::vector<Tested>& tested);

Table findings_table(const std::vector<Finding>& findings);

}  // namespace sonograd
