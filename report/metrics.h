#pragma once
#include <algorithm>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "report/table.h"

namespace sonograd {

struct Interval {
  double low = 0, high = 1;
};

// 95 % of a standard normal variable lie within ± this.
inline constexpr double normal_95 = 1.959963984540054;

std::string percent_range(Interval interval);  // {0.8696, 0.9268} -> "87.0 to 92.7", in %

// Wilson (1927), the score interval of k successes in n trials at 95 %; [0, 1] where n is 0.
Interval wilson_interval(Int k, Int n);

struct ClassMetrics {
  std::string name;
  Int support = 0;    // images of this class
  Int predicted = 0;  // images that were called this class
  Int correct = 0;
  double precision = 0, recall = 0, f1 = 0;  // 0 where the denominator is 0
  Interval precision_interval, recall_interval;
  double auc =
      std::numeric_limits<double>::quiet_NaN();  // one class against the rest; NaN without probabilities
};

// Precision, recall and f1 are means over the classes weighted by support, as scikit-learn's
// average='weighted' (zero_division=0), so recall equals accuracy.
struct Metrics {
  static constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::string> classes;
  Int n = 0, correct = 0;
  double accuracy = 0, precision = 0, recall = 0, f1 = 0;
  Interval accuracy_interval;
  std::vector<ClassMetrics> per_class;
  std::vector<std::vector<Int>> confusion;  // [true][predicted]
  double loss = nan;                        // mean cross-entropy, where the caller knows it
  // From probabilities, else NaN: unweighted mean of the classes' AUC; mean over images of Σ_c (p_c − y_c)²
  // (Brier 1950); expected calibration error over equal bins of the top probability (Guo et al. 2017).
  double auc = nan, brier = nan, ece = nan;
};

// The bins of calibration: bin b of n holds top probabilities in (b/n, (b+1)/n].
constexpr int calibration_bins = 15;
int calibration_bin(double top);

// truth and predicted hold class codes. Throws Error on different lengths, no images or a code out of range.
Metrics measure(const std::vector<std::string>& classes, const std::vector<Int>& truth,
                const std::vector<Int>& predicted);

// probabilities[image][class]; an image is called the class of its largest probability, the first of equals.
Metrics measure(const std::vector<std::string>& classes, const std::vector<Int>& truth,
                const std::vector<std::vector<double>>& probabilities);

// Where the largest value stands, the first of equals.
template <class T>
Int argmax(const std::vector<T>& values) {
  return std::max_element(values.begin(), values.end()) - values.begin();
}

// Area under the ROC curve: the chance that a positive scores above a negative, ties counted half
// (Mann & Whitney 1947). NaN where either side is empty.
double roc_auc(const std::vector<bool>& positive, const std::vector<double>& score);

std::string metrics_json(const Metrics& metrics);  // the keys of metrics.json; NaN becomes null
Metrics read_metrics(const std::filesystem::path& path);
Table per_class_table(const Metrics& metrics);
Table confusion_table(const Metrics& metrics);

}  // namespace sonograd
