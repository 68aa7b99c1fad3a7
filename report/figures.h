#pragma once
#include <string>
#include <vector>

#include "report/history.h"
#include "report/manifest.h"
#include "report/metrics.h"
#include "report/predictions.h"
#include "report/svg.h"

namespace sonograd {

// A figure is 400 units wide, where nothing else is said, so that it is read as well on a phone as beside
// another on a screen.
constexpr double figure_width = 400;

// Training and validation over the epochs of all phases, one after another; a ring marks the epoch with the
// best validation accuracy of the last phase (the first of equals), whose weights are kept.
Svg accuracy_curves(const History& history);
Svg loss_curves(
    const History& history);  // values far above the rest run out of the top, and a note counts them

Svg confusion_matrix(const Metrics& metrics);  // shaded by the share of the row
Svg class_counts(const std::vector<ClassCount>& classes);
Svg per_class_bars(const Metrics& metrics);  // precision and recall with 95 % intervals, F1 without

// A rival of the run on the same test images: the majority class, a linear classifier, another model.
struct Baseline {
  std::string name;
  Int correct = 0, n = 0;
};
Svg accuracy_ladder(const std::string& name, const Metrics& metrics, const std::vector<Baseline>& baselines);

// Test accuracy of models (rows) on data sets (columns): a dot with its interval, a ring where another
// published one. As wide as a page.
struct AccuracyDot {
  Int correct = 0, n = 0;  // n = 0: not measured
  Interval interval;
  double published = Metrics::nan;  // a share
};
struct DotRow {
  std::string name, note;  // note: small, below the name
  bool first = false;      // the model that all is about
};
struct DotColumn {
  std::string name;
  double largest_class = 0;  // what "always the largest class" scores
  std::vector<AccuracyDot> dots;
};
Svg accuracy_dots(const std::vector<DotRow>& rows, const std::vector<DotColumn>& columns);

Svg roc_curves(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions);
Svg precision_recall_curves(
    const std::vector<std::string>& classes,
    const std::vector<Prediction>& predictions);  // the key gives the average precision
// Share of right answers by confidence, in the equal bins of the ECE, with Wilson intervals.
Svg reliability(const Metrics& metrics, const std::vector<Prediction>& predictions);
Svg probability_bars(const std::vector<std::string>& classes, const Prediction& prediction);

}  // namespace sonograd
