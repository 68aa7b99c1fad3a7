#include "train/linear_baseline.h"

#include <algorithm>
#include <cmath>

#include "data/resize.h"
#include "ops/softmax/softmax.h"
#include "report/metrics.h"

namespace sonograd {
namespace {

constexpr int steps = 300;
constexpr double rate = 0.5;      // over the side of the image
constexpr double penalty = 1e-2;  // of Σ w²/2, beside the mean cross-entropy

using Row = std::vector<double>;

Row features(const ImageSet& images, Int i, Int side) {
  const Image small = resize_area(picture(images, i), side, side);
  Row grey(side * side);
  for (Int p = 0; p < side * side; ++p)
    grey[p] = (small.pixels[3 * p] + small.pixels[3 * p + 1] + small.pixels[3 * p + 2]) / 3.0;
  return grey;
}

// Subtracts each pixel's mean over the first `fitted` rows and divides by its standard deviation.
void standardise(std::vector<Row>& rows, Int fitted) {
  for (std::size_t p = 0; p < rows.front().size(); ++p) {
    double sum = 0, squares = 0;
    for (Int i = 0; i < fitted; ++i) sum += rows[i][p], squares += rows[i][p] * rows[i][p];
    const double mean = sum / static_cast<double>(fitted);
    const double spread = std::sqrt(std::max(squares / static_cast<double>(fitted) - mean * mean, 1e-12));
    for (Row& row : rows) row[p] = (row[p] - mean) / spread;
  }
}

// logits[k] = bias[k] + Σ_p w[k][p] · x[p]; the bias stands behind the weights
Row logits(const std::vector<Row>& weights, const Row& x) {
  Row result;
  for (const Row& w : weights) {
    double sum = w.back();
    for (std::size_t p = 0; p < x.size(); ++p) sum += w[p] * x[p];
    result.push_back(sum);
  }
  return result;
}

// [rows, classes], row-major
Row probabilities(const std::vector<Row>& weights, std::span<const Row> x) {
  Row all;
  for (const Row& row : x) {
    const Row z = logits(weights, row);
    all.insert(all.end(), z.begin(), z.end());
  }
  const Shape shape{static_cast<Int>(x.size()), static_cast<Int>(weights.size())};
  return softmax(Tensor::of(shape, all, DType::f64, Device::reference)).values();
}

}  // namespace

std::vector<Int> linear_baseline(const ImageSet& images, std::span<const Int> labels, Int classes,
                                 std::span<const Int> train, std::span<const Int> test, Int side) {
  std::vector<Row> x;
  for (const Int i : train) x.push_back(features(images, i, side));
  for (const Int i : test) x.push_back(features(images, i, side));
  const Int n = static_cast<Int>(train.size());
  standardise(x, n);

  const Int pixels = side * side;
  std::vector<Row> weights(classes, Row(pixels + 1));
  for (int step = 0; step < steps; ++step) {
    std::vector<Row> gradient(classes, Row(pixels + 1));
    const Row probability = probabilities(weights, std::span(x).first(n));
    for (Int i = 0; i < n; ++i)
      for (Int k = 0; k < classes; ++k) {
        const double error =
            (probability[i * classes + k] - (labels[train[i]] == k ? 1 : 0)) / static_cast<double>(n);
        for (Int p = 0; p < pixels; ++p) gradient[k][p] += error * x[i][p];
        gradient[k][pixels] += error;
      }
    for (Int k = 0; k < classes; ++k)
      for (Int p = 0; p <= pixels; ++p) {
        const double decay = p < pixels ? penalty * weights[k][p] : 0;  // not of the bias
        weights[k][p] -= rate / static_cast<double>(side) * (gradient[k][p] + decay);
      }
  }
  std::vector<Int> predicted;
  for (std::size_t i = n; i < x.size(); ++i) predicted.push_back(argmax(logits(weights, x[i])));
  return predicted;
}

}  // namespace sonograd
