#include "report/curves.h"

#include <algorithm>
#include <limits>
#include <numeric>

namespace sonograd {

Scores scores_of(Int code, const std::vector<Prediction>& predictions) {
  Scores scores;
  for (const Prediction& p : predictions) {
    scores.positive.push_back(p.truth == code);
    scores.score.push_back(p.probabilities.at(static_cast<std::size_t>(code)));
  }
  return scores;
}

std::vector<Threshold> thresholds(const Scores& scores) {
  std::vector<std::size_t> order(scores.score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return scores.score[a] > scores.score[b]; });
  std::vector<Threshold> steps{{std::numeric_limits<double>::infinity(), 0, 0}};
  for (const std::size_t i : order) {
    Threshold next = steps.back();
    (scores.positive[i] ? next.hits : next.false_alarms) += 1;
    if (scores.score[i] == next.score) {
      steps.back() = next;
    } else {
      next.score = scores.score[i];
      steps.push_back(next);
    }
  }
  return steps;
}

double average_precision(const Scores& scores) {
  const auto steps = thresholds(scores);
  const auto positives = static_cast<double>(steps.back().hits);
  if (positives == 0) return Metrics::nan;
  double sum = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const auto found = static_cast<double>(steps[i].hits - steps[i - 1].hits);
    sum += found / positives * static_cast<double>(steps[i].hits) /
           static_cast<double>(steps[i].hits + steps[i].false_alarms);
  }
  return sum;
}

Sensitivity sensitivity_at(double specificity, const Scores& scores) {
  const auto steps = thresholds(scores);
  const Int negatives = steps.back().false_alarms;
  Sensitivity best{0, steps.back().hits, 1};
  for (const Threshold& step : steps) {
    const double reached =
        negatives == 0 ? 1 : 1 - static_cast<double>(step.false_alarms) / static_cast<double>(negatives);
    if (reached >= specificity && step.hits > best.hits) best = {step.hits, steps.back().hits, reached};
  }
  return best;
}

}  // namespace sonograd
