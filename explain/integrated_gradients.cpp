#include <algorithm>
#include <array>
#include <cmath>

#include "explain/perturbation.h"

namespace sonograd {
namespace {

// Gauss and Legendre's rule of three points on 0 … 1.
struct Node {
  double place, weight;
};
const std::array<Node, 3> rule{
    {{0.5 - std::sqrt(0.15), 5.0 / 18}, {0.5, 8.0 / 18}, {0.5 + std::sqrt(0.15), 5.0 / 18}}};
constexpr Int points = rule.size();

// A piece of the path: alpha from `begin` to `end`.
struct Piece {
  double begin = 0, end = 1;
  double score_begin = 0, score_middle = 0, score_end = 0;
  std::vector<double> map = {};  // x · ∫ gradient, Σ over colours
  double sum = 0;                // of the map

  double middle() const { return (begin + end) / 2; }
  double error() const { return sum - (score_end - score_begin); }
};

}  // namespace

Attributions integrated_gradients(const Tensor& image, const ScoreGradient& gradient, double tolerance,
                                  Int most_points) {
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
    piece.map.resize(x.size() / colours);
    for (const Node& node : rule) {
      const auto [score, slope] = at(begin + node.place * (end - begin));
      if (node.place == 0.5) piece.score_middle = score;
      const std::vector<double> g = slope.values();
      for (std::size_t i = 0; i < x.size(); ++i)
        piece.map[i / colours] += node.weight * (end - begin) * x[i] * g[i];
    }
    for (const double value : piece.map) piece.sum += value;
    return piece;
  };

  std::vector<Piece> pieces{measure(0, 1, at(0).first, at(1).first)};
  Attributions result;
  result.rise = pieces[0].score_end - pieces[0].score_begin;
  const auto relative = [&](double error) {
    return result.rise == 0 ? error : error / std::abs(result.rise);
  };
  // Errors of opposite signs make a good sum of a bad map, so they count without their signs, too: less
  // strictly, and not to the last point, as single precision has a share that no halving takes away.
  const auto is_good = [&] {
    double whole = 0, parts = 0;
    for (const Piece& piece : pieces) {
      whole += piece.error();
      parts += std::abs(piece.error());
    }
    result.incompleteness = relative(std::abs(whole));
    const bool settled =
        relative(parts) <= 10 * tolerance || points * static_cast<Int>(pieces.size()) > most_points / 4;
    return result.incompleteness <= tolerance && settled;
  };
  // What a piece adds to the score is known at its ends: where its gradients miss that most, it is halved.
  while (!is_good() && points * static_cast<Int>(pieces.size()) < most_points) {
    const auto worst = std::max_element(pieces.begin(), pieces.end(), [](const Piece& a, const Piece& b) {
      return std::abs(a.error()) < std::abs(b.error());
    });
    const Piece whole = std::move(*worst);
    *worst = measure(whole.begin, whole.middle(), whole.score_begin, whole.score_middle);
    pieces.push_back(measure(whole.middle(), whole.end, whole.score_middle, whole.score_end));
  }

  std::vector<double> map(x.size() / colours);
  for (const Piece& piece : pieces)
    for (std::size_t i = 0; i < map.size(); ++i) map[i] += piece.map[i];
  result.map.assign(map.begin(), map.end());
  return result;
}

}  // namespace sonograd
