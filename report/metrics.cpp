#include "report/metrics.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace sonograd {
namespace {

double ratio(Int part, Int whole) {
  return whole == 0 ? 0.0 : static_cast<double>(part) / static_cast<double>(whole);
}

double weighted(const std::vector<ClassMetrics>& classes, double ClassMetrics::*value) {
  double sum = 0, weight = 0;
  for (const auto& c : classes) {
    sum += c.*value * static_cast<double>(c.support);
    weight += static_cast<double>(c.support);
  }
  return sum / weight;
}

double brier_score(const std::vector<Int>& truth, const std::vector<std::vector<double>>& probabilities) {
  double sum = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) {
    for (std::size_t c = 0; c < probabilities[i].size(); ++c) {
      const double error = probabilities[i][c] - (static_cast<Int>(c) == truth[i] ? 1.0 : 0.0);
      sum += error * error;
    }
  }
  return sum / static_cast<double>(truth.size());
}

// Σ_bins |images right − sum of top probabilities| / n
double calibration_error(const std::vector<Int>& truth,
                         const std::vector<std::vector<double>>& probabilities) {
  constexpr int bins = calibration_bins;
  double gap[bins] = {};
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const Int called = argmax(probabilities[i]);
    const double top = probabilities[i][static_cast<std::size_t>(called)];
    gap[calibration_bin(top)] += (called == truth[i] ? 1.0 : 0.0) - top;
  }
  return std::accumulate(gap, gap + bins, 0.0, [](double sum, double g) { return sum + std::abs(g); }) /
         static_cast<double>(truth.size());
}

}  // namespace

std::string percent_range(Interval interval) {
  return fmt::format("{:.1f} to {:.1f}", 100 * interval.low, 100 * interval.high);
}

int calibration_bin(double top) {
  constexpr int bins = calibration_bins;
  return std::clamp(static_cast<int>(std::ceil(top * bins)) - 1, 0, bins - 1);
}

Interval wilson_interval(Int k, Int n) {
  expect(0 <= k && k <= n, "wilson_interval: {} successes in {} trials", k, n);
  if (n == 0) return {};
  constexpr double z = normal_95;
  const double trials = static_cast<double>(n), p = ratio(k, n), zz = z * z / trials;
  const double centre = (p + zz / 2) / (1 + zz);
  const double half = z * std::sqrt(p * (1 - p) / trials + zz / (4 * trials)) / (1 + zz);
  return {k == 0 ? 0.0 : centre - half, k == n ? 1.0 : centre + half};
}

double roc_auc(const std::vector<bool>& positive, const std::vector<double>& score) {
  for (const double s : score) expect(!std::isnan(s), "roc_auc: a score is not a number");
  std::vector<std::size_t> order(score.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) { return score[a] < score[b]; });
  double below = 0, pairs = 0;  // negatives seen so far; positive-negative pairs in the right order
  double positives = 0;
  for (std::size_t first = 0; first < order.size();) {
    double equal_positive = 0, equal_negative = 0;
    std::size_t last = first;
    for (; last < order.size() && score[order[last]] == score[order[first]]; ++last) {
      (positive[order[last]] ? equal_positive : equal_negative) += 1;
    }
    pairs += equal_positive * (below + equal_negative / 2);
    below += equal_negative;
    positives += equal_positive;
    first = last;
  }
  return positives == 0 || below == 0 ? Metrics::nan : pairs / (positives * below);
}

Metrics measure(const std::vector<std::string>& classes, const std::vector<Int>& truth,
                const std::vector<Int>& predicted) {
  const Int count = static_cast<Int>(classes.size());
  expect(truth.size() == predicted.size(), "metrics: {} true labels but {} predictions", truth.size(),
         predicted.size());
  expect(!truth.empty(), "metrics: there are no images to measure; give a test set with at least one");
  Metrics m;
  m.classes = classes;
  m.n = static_cast<Int>(truth.size());
  m.confusion.assign(classes.size(), std::vector<Int>(classes.size(), 0));
  for (std::size_t i = 0; i < truth.size(); ++i) {
    const Int wrong = truth[i] < 0 || truth[i] >= count ? truth[i] : predicted[i];
    expect(0 <= wrong && wrong < count, "metrics: image {} has label {}, but there are {} classes", i, wrong,
           count);
    m.confusion[static_cast<std::size_t>(truth[i])][static_cast<std::size_t>(predicted[i])] += 1;
  }
  for (std::size_t c = 0; c < classes.size(); ++c) {
    ClassMetrics k;
    k.name = classes[c];
    k.correct = m.confusion[c][c];
    for (std::size_t other = 0; other < classes.size(); ++other) {
      k.support += m.confusion[c][other];
      k.predicted += m.confusion[other][c];
    }
    k.precision = ratio(k.correct, k.predicted);
    k.recall = ratio(k.correct, k.support);
    k.f1 = ratio(2 * k.correct, k.predicted + k.support);
    k.precision_interval = wilson_interval(k.correct, k.predicted);
    k.recall_interval = wilson_interval(k.correct, k.support);
    m.correct += k.correct;
    m.per_class.push_back(k);
  }
  m.accuracy = ratio(m.correct, m.n);
  m.accuracy_interval = wilson_interval(m.correct, m.n);
  m.precision = weighted(m.per_class, &ClassMetrics::precision);
  m.recall = weighted(m.per_class, &ClassMetrics::recall);
  m.f1 = weighted(m.per_class, &ClassMetrics::f1);
  return m;
}

Metrics measure(const std::vector<std::string>& classes, const std::vector<Int>& truth,
                const std::vector<std::vector<double>>& probabilities) {
  std::vector<Int> predicted;
  for (const auto& row : probabilities) {
    expect(row.size() == classes.size(), "metrics: image {} has {} probabilities, but there are {} classes",
           predicted.size(), row.size(), classes.size());
    for (const double p : row)
      expect(std::isfinite(p),
             "metrics: image {} has a probability that is not a number; are the weights sound?",
             predicted.size());
    predicted.push_back(argmax(row));
  }
  Metrics m = measure(classes, truth, predicted);
  m.auc = 0;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    std::vector<bool> positive;
    std::vector<double> score;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      positive.push_back(truth[i] == static_cast<Int>(c));
      score.push_back(probabilities[i][c]);
    }
    m.per_class[c].auc = roc_auc(positive, score);
    m.auc += m.per_class[c].auc / static_cast<double>(classes.size());
  }
  m.brier = brier_score(truth, probabilities);
  m.ece = calibration_error(truth, probabilities);
  return m;
}

Table per_class_table(const Metrics& metrics) {
  const auto interval = [](Interval i, Int n) {
    return n == 0 ? "–" : fmt::format("{:.1f} – {:.1f} %", 100 * i.low, 100 * i.high);
  };
  const auto share = [](double value, Int n) { return n == 0 ? "–" : percent(value, 1); };
  Table table{{"class", "images", "precision", "95 % interval", "recall", "95 % interval", "F1", "AUC"}, {}};
  for (const auto& c : metrics.per_class) {
    table.rows.push_back({c.name, fmt::format("{}", c.support), share(c.precision, c.predicted),
                          interval(c.precision_interval, c.predicted), share(c.recall, c.support),
                          interval(c.recall_interval, c.support), percent(c.f1, 1),
                          std::isnan(c.auc) ? "–" : fmt::format("{:.3f}", c.auc)});
  }
  table.rows.push_back({"weighted mean", fmt::format("{}", metrics.n), percent(metrics.precision, 1), "",
                        percent(metrics.recall, 1), interval(metrics.accuracy_interval, metrics.n),
                        percent(metrics.f1, 1),
                        std::isnan(metrics.auc) ? "–" : fmt::format("{:.3f}", metrics.auc)});
  return table;
}

Table confusion_table(const Metrics& metrics) {
  Table table{{"true \\ predicted"}, {}};
  table.header.insert(table.header.end(), metrics.classes.begin(), metrics.classes.end());
  for (std::size_t c = 0; c < metrics.classes.size(); ++c) {
    table.rows.push_back({metrics.classes[c]});
    for (const Int count : metrics.confusion[c]) table.rows.back().push_back(fmt::format("{}", count));
  }
  return table;
}

}  // namespace sonograd
