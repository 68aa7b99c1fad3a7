#include <algorithm>
#include <cmath>

#include "report/curves.h"
#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

constexpr double square_height = 284;
const std::vector<double> fifths = {0, 0.2, 0.4, 0.6, 0.8, 1};

// A square with shares on both axes, and room for a key on the right of it.
enum class Diagonal { none, dashed };
Plot square(Svg& svg, std::string_view x_title, Diagonal diagonal = Diagonal::dashed) {
  const Plot plot{svg, 46, 14, 46 + 226, 14 + 226, 0, 1, 0, 1};
  plot.y_axis(fifths, percent_label);
  plot.x_axis(fifths, percent_label, x_title);
  if (diagonal == Diagonal::dashed) svg.line(plot.x(0), plot.y(0), plot.x(1), plot.y(1), "dash");
  return plot;
}

void name_curve(Svg& svg, const Plot& plot, double y, const std::string& css, const std::string& name,
                const std::string& note) {
  svg.line(plot.right + 16, y - 4, plot.right + 34, y - 4, "line line-" + css);
  svg.text(plot.right + 40, y, name, "ink strong small", Svg::start, 84);
  svg.text(plot.right + 40, y + 16, note, "muted small");
}

}  // namespace

Svg roc_curves(const std::vector<std::string>& classes, const std::vector<Prediction>& predictions) {
  Svg svg(figure_width, square_height, "ROC curve of each class against the rest");
  const Plot plot = square(svg, "false alarms among the other classes");
  double key = 22;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const std::string css(1, "acde"[c % 4]);
    const Scores scores = scores_of(static_cast<Int>(c), predictions);
    const auto steps = thresholds(scores);
    const auto positives = static_cast<double>(steps.back().hits),
               negatives = static_cast<double>(steps.back().false_alarms);
    std::vector<std::pair<double, double>> points;
    points.reserve(steps.size());
    for (const Threshold& step : steps)
      points.emplace_back(plot.x(static_cast<double>(step.false_alarms) / negatives),
                          plot.y(static_cast<double>(step.hits) / positives));
    svg.polyline(points, "line line-" + css);
    const double auc = roc_auc(scores.positive, scores.score);
    name_curve(svg, plot, key, css, classes[c], std::isnan(auc) ? "no AUC" : fmt::format("AUC {:.3f}", auc));
    key += 42;
  }
  return svg;
}

Svg precision_recall_curves(const std::vector<std::string>& classes,
                            const std::vector<Prediction>& predictions) {
  Svg svg(figure_width, square_height, "precision against recall, each class against the rest");
  const Plot plot = square(svg, "recall", Diagonal::none);
  double key = 22;
  for (std::size_t c = 0; c < classes.size(); ++c) {
    const std::string css(1, "acde"[c % 4]);
    const Scores scores = scores_of(static_cast<Int>(c), predictions);
    const auto steps = thresholds(scores);
    const auto positives = static_cast<double>(steps.back().hits);
    std::vector<std::pair<double, double>> points;
    points.reserve(steps.size());
    for (const Threshold& step : steps) {
      const auto called = static_cast<double>(step.hits + step.false_alarms);
      if (step.hits > 0)  // before the first, precision is 0 or has no meaning
        points.emplace_back(plot.x(static_cast<double>(step.hits) / positives),
                            plot.y(static_cast<double>(step.hits) / called));
    }
    svg.polyline(points, "line line-" + css);
    const double mean = average_precision(scores);
    name_curve(svg, plot, key, css, classes[c],
               std::isnan(mean) ? "no mean" : fmt::format("mean {:.3f}", mean));
    key += 42;
  }
  return svg;
}

Svg reliability(const Metrics& metrics, const std::vector<Prediction>& predictions) {
  constexpr int bins = calibration_bins;
  Int count[bins] = {}, right[bins] = {};
  double confidence[bins] = {};
  for (const Prediction& p : predictions) {
    const double top = *std::max_element(p.probabilities.begin(), p.probabilities.end());
    const int bin = calibration_bin(top);
    count[bin] += 1;
    right[bin] += p.predicted == p.truth;
    confidence[bin] += top;
  }
  Svg svg(figure_width, square_height, "share of right answers by confidence");
  const Plot plot = square(svg, "confidence");
  const double key = plot.right + 16;
  svg.text(key, 22, fmt::format("ECE {:.3f}", metrics.ece), "ink strong small");
  svg.text(key, 38, fmt::format("{} bins of", bins), "muted small");
  svg.text(key, 53, "equal width", "muted small");
  svg.text(key, 77, fmt::format("Brier {:.3f}", metrics.brier), "ink strong small");
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
