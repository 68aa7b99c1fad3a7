#include "report/delong.h"

#include <cmath>
#include <numeric>

#include "base/error.h"

namespace sonograd {
namespace {

struct Parts {
  std::vector<double> of_positives, of_negatives;  // V10 and V01
};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

double covariance(const std::vector<double>& a, const std::vector<double>& b) {
  const double mean_a = mean(a), mean_b = mean(b);
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - mean_a) * (b[i] - mean_b);
  return sum / static_cast<double>(a.size() - 1);
}

Parts parts_of(const Scores& scores) {
  std::vector<double> x, y;
  for (std::size_t i = 0; i < scores.score.size(); ++i)
    (scores.positive[i] ? x : y).push_back(scores.score[i]);
  Parts parts{std::vector<double>(x.size()), std::vector<double>(y.size())};
  for (std::size_t i = 0; i < x.size(); ++i)
    for (std::size_t j = 0; j < y.size(); ++j) {
      const double psi = x[i] > y[j] ? 1 : x[i] == y[j] ? 0.5 : 0;
      parts.of_positives[i] += psi;
      parts.of_negatives[j] += psi;
    }
  for (double& sum : parts.of_positives) sum /= static_cast<double>(y.size());
  for (double& sum : parts.of_negatives) sum /= static_cast<double>(x.size());
  return parts;
}

double covariance(const Parts& a, const Parts& b) {
  return covariance(a.of_positives, b.of_positives) / static_cast<double>(a.of_positives.size()) +
         covariance(a.of_negatives, b.of_negatives) / static_cast<double>(a.of_negatives.size());
}

}  // namespace

AucInterval delong(const Scores& scores) {
  const Parts parts = parts_of(scores);
  const double nan = Metrics::nan;
  if (parts.of_positives.empty() || parts.of_negatives.empty()) return {nan, nan, {nan, nan}};
  const double auc = roc_auc(scores.positive, scores.score);
  if (parts.of_positives.size() < 2 || parts.of_negatives.size() < 2) return {auc, nan, {nan, nan}};
  const double variance = covariance(parts, parts);
  if (variance == 0) return {auc, 0, {nan, nan}};
  const double half = normal_95 * std::sqrt(variance);
  return {auc, variance, {std::max(0.0, auc - half), std::min(1.0, auc + half)}};
}

AucComparison delong(const Scores& first, const Scores& second) {
  expect(first.positive == second.positive, "the two classifiers were not asked about the same images");
  const Parts a = parts_of(first), b = parts_of(second);
  const double auc_a = roc_auc(first.positive, first.score), auc_b = roc_auc(second.positive, second.score);
  if (a.of_positives.size() < 2 || a.of_negatives.size() < 2)
    return {auc_a, auc_b, Metrics::nan, Metrics::nan};
  const double variance = covariance(a, a) + covariance(b, b) - 2 * covariance(a, b);
  constexpr double rounding = 1e-15;
  const double z = variance > rounding ? (auc_a - auc_b) / std::sqrt(variance) : Metrics::nan;
  return {auc_a, auc_b, z, std::erfc(std::abs(z) / std::sqrt(2.0))};
}

}  // namespace sonograd
