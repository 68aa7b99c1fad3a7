#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

constexpr double square_height = 284;
const std::vector<double> fifths = {0, 0.2, 0.4, 0.6, 0.8, 1};

// (false-positive rate, true-positive rate) from the strictest threshold to the loosest, equal scores in one
// step.
std::vector<std::pair<double, double>> roc_points(Int code, const std::vector<Prediction>& predictions) {
  std::vector<std::pair<double, bool>> scored;
  double positives = 0;
  for (const Prediction& p : predictions) {
    scored.emplace_back(p.probabilities.at(static_cast<std::size_t>(code)), p.truth == code);
    positives += p.truth == code;
  }
  std::sort(scored.begin(), scored.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  const double negatives = static_cast<double>(scored.size()) - positives;
  double hits = 0, false_alarms = 0;
  std::vector<std::pair<double, double>> points = {{0, 0}};
  for (std::size_t i = 0; i < scored.size(); ++i) {
    (scored[i].second ? hits : false_alarms) += 1;
    const bool step_ends = i + 1 == scored.size() || scored[i + 1].first != scored[i].first;
    if (step_ends) points.emplace_back(false_alarms / negatives, hits / positives);
  }
  return points;
}

// A square with shares on both axes, and room for a key on the right of it.
Plot square(Svg& svg, std::string_view x_title) {
  const Plot plot{svg, 46, 14, 46 + 226, 14 + 226, 0, 1, 0, 1};
  plot.y_axis(fifths, percent_label);
  plot.x_axis(fifths, percent_label, x_title);
  svg.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "dash");
  return plot;
}

}  // namespace

Svg roc_curves(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions) {
  Svg svg(figure_width, square_height, "ROC curve of each class against the rest");
  const Plot plot = square(svg, "false alarms among the other classes");
  double key = 22;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const std::string css(1, "acde"[c % 4]);
    std::vector<std::pair<double, double>> points;
    for (const auto& [x, y] : roc_points(static_cast<Int>(c), predictions))
      points.emplace_back(plot.x(x), plot.y(y));
    svg.polyline(points, "line line-" + css);
    std::vector<bool> positive;
    std::vector<double> score;
    for (const Prediction& p : predictions) {
      positive.push_back(p.truth == static_cast<Int>(c));
      score.push_back(p.probabilities[c]);
    }
    const double auc = roc_auc(positive, score);
    svg.line(plot.right + 16, key - 4, plot.right + 34, key - 4, "line line-" + css);
    svg.text(plot.right + 40, key, classes[c], "ink strong small", Svg::start, 84);
    svg.text(plot.right + 40, key + 16, std::isnan(auc) ? "no AUC" : fmt::format("AUC {:.3f}", auc),
             "muted small");
    key += 42;
  }
  return svg;
}

Svg reliability(const Metrics& metrics, const std::vector<Prediction>& predictions) {
  constexpr int bins = 10;
  Int count[bins] = {}, right[bins] = {};
  double confidence[bins] = {};
  for (const Prediction& p : predictions) {
    const double top = *std::max_element(p.probabilities.begin(), p.probabilities.end());
    const int bin = std::clamp(static_cast<int>(std::ceil(top * bins)) - 1, 0, bins - 1);
    count[bin] += 1;
    right[bin] += p.predicted == p.truth;
    confidence[bin] += top;
  }
  Svg svg(figure_width, square_height, "share of right answers by confidence");
  const Plot plot = square(svg, "confidence");
  const double key = plot.right + 16;
  svg.text(key, 22, fmt::format("ECE {:.3f}", metrics.ece), "ink strong small");
  svg.text(key, 42, fmt::format("Brier {:.3f}", metrics.brier), "ink strong small");
  for (int b = 0; b < bins; ++b) {
    if (count[b] == 0) continue;
    const double n = static_cast<double>(count[b]), x = plot.x(confidence[b] / n);
    const Interval interval = wilson_interval(right[b], count[b]);
    svg.line(x, plot.y(interval.low), x, plot.y(interval.high), "whisker");
    svg.circle(x, plot.y(static_cast<double>(right[b]) / n),
               3 + 5 * std::sqrt(n / static_cast<double>(predictions.size())), "fill-a",
               fmt::format("{} of {} right", right[b], count[b]));
  }
  return svg;
}

}  // namespace sonograd
