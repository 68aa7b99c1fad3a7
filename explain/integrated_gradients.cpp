#include <algorithm>
#include <cmath>

#include "explain/perturbation.h"

namespace sonograd {
namespace {

// A piece of the path: alpha from `begin` to `end`, whose middle's gradient stands for all of it.
struct Piece {
  double begin = 0, end = 1;
  double score_begin = 0, score_middle = 0, score_end = 0;
  std::vector<float> map = {};  // (end - begin) · x · gradient, Σ over colours
  double sum = 0;               // of the map

  double middle() const { return (begin + end) / 2; }
  double error() const { return sum - (score_end - score_begin); }
};

}  // namespace

Attributions integrated_gradients(const Tensor& image, const ScoreGradient& gradient, Int most_points,
                                  double tolerance) {
  expect(image.rank() == 4 && image.size(0) == 1,
         "integrated gradients take one image [1, height, width, channels], got {}", image.shape().text());
  const std::vector<double> x = image.values();
  const Int colours = image.size(3);
  const auto at = [&](double alpha) {
    std::vector<double> point(x);
    for (double& value : point) value *= alpha;
    return gradient(Tensor::of(image.shape(), point, image.dtype(), image.device()));
  };
  const auto measure = [&](double begin, double end, double score_begin, double score_end) {
    Piece piece{begin, end, score_begin, 0, score_end};
    const auto [score, slope] = at(piece.middle());
    const std::vector<double> g = slope.values();
    piece.score_middle = score;
    piece.map.resize(x.size() / colours);
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double share = (end - begin) * x[i] * g[i];
      piece.map[i / colours] += static_cast<float>(share);
      piece.sum += share;
    }
    return piece;
  };

  std::vector<Piece> pieces{measure(0, 1, at(0).first, at(1).first)};
  Attributions result;
  result.rise = pieces[0].score_end - pieces[0].score_begin;
  const auto relative = [&](double error) {
    return result.rise == 0 ? error : error / std::abs(result.rise);
  };
  // The whole's error, and the pieces' errors without their signs, of which single precision has its share.
  const auto is_good = [&] {
    double whole = 0, parts = 0;
    for (const Piece& piece : pieces) {
      whole += piece.error();
      parts += std::abs(piece.error());
    }
    result.incompleteness = relative(std::abs(whole));
    return result.incompleteness <= tolerance && relative(parts) <= 10 * tolerance;
  };
  // What a piece adds to the score is known at its ends: where its middle misses that most, it is halved.
  while (!is_good() && static_cast<Int>(pieces.size()) < most_points) {
    const auto worst = std::max_element(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
      return std::abs(a.error()) < std::abs(b.error());
    });
    const Piece whole = std::move(*worst);
    *worst = measure(whole.begin, whole.middle(), whole.score_begin, whole.score_middle);
    pieces.push_back(measure(whole.middle(), whole.end, whole.score_middle, whole.score_end));
  }

  result.map.resize(x.size() / colours);
  for (const Piece& piece : pieces)
    for (std::size_t i = 0; i < result.map.size(); ++i) result.map[i] += piece.map[i];
  return result;
}

}  // namespace sonograd
