#pragma once
#include <string>
#include <vector>

#include "report/metrics.h"
#include "report/predictions.h"

namespace sonograd {

// One class against the rest: the score is the class's probability.
struct Scores {
  std::vector<bool> positive;
  std::vector<double> score;
};
Scores scores_of(Int code, const std::vector<Prediction>& predictions);

// What is found when all scores of at least some threshold are called positive.
struct Threshold {
  double score;  // the threshold; +infinity for the first, which calls nothing positive
  Int hits, false_alarms;
};
// From the strictest to the loosest, equal scores in one step: the points of a ROC and of a precision-recall
// curve.
std::vector<Threshold> thresholds(const Scores& scores);

// Σ (recall_i − recall_{i−1}) · precision_i, as scikit-learn's average_precision_score; NaN without
// positives.
double average_precision(const Scores& scores);

// The largest sensitivity among the thresholds with at least this specificity, at the greatest specificity
// that has it; counts, so that an interval can be given. n is the number of positives, of which there may be
// none.
struct Sensitivity {
  Int hits = 0, n = 0;
  double specificity = 1;  // reached
};
Sensitivity sensitivity_at(double specificity, const Scores& scores);

}  // namespace sonograd
