#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

const std::vector<double> quarters = {0, 0.25, 0.5, 0.75, 1};

void whisker(const Plot& plot, Interval interval, double y) {
  plot.svg.line(plot.x(interval.low), y, plot.x(interval.high), y, "whisker");
  for (const double end : {interval.low, interval.high}) {
    plot.svg.line(plot.x(end), y - 3, plot.x(end), y + 3, "whisker");
  }
}

}  // namespace

Svg class_counts(const std::vector<ClassCount>& classes) {
  const double row = 38, top = 34;
  double largest = 1;
  for (const auto& c : classes)
    largest = std::max(largest, static_cast<double>(c.train + c.validation + c.test));
  Svg svg(figure_width, top + row * static_cast<double>(classes.size()), "images of each class");
  const Plot plot{svg, 90, top, figure_width - 42, 0, 0, largest, 0, 1};
  Legend legend(svg, 0, 16);
  legend.box("fill-a", "training");
  legend.box("fill-c", "validation");
  legend.box("fill-d", "test");
  for (std::size_t i = 0; i < classes.size(); ++i) {
    const ClassCount& c = classes[i];
    const double y = top + row * static_cast<double>(i);
    svg.text(0, y + 18, c.name, "ink strong", Svg::start, plot.left - 8);
    Int before = 0;
    const std::pair<Int, const char*> parts[] = {
        {c.train, "fill-a"}, {c.validation, "fill-c"}, {c.test, "fill-d"}};
    for (const auto& [count, css] : parts) {
      const double begin = plot.x(static_cast<double>(before)),
                   end = plot.x(static_cast<double>(before + count));
      svg.rect(begin, y + 2, end - begin - 1.5, 23, css);
      const std::string text = fmt::format("{}", count);
      if (end - begin > text_width(text, 12) + 6)
        svg.text((begin + end) / 2, y + 18, text, "on small", Svg::middle);
      before += count;
    }
    svg.text(plot.x(static_cast<double>(before)) + 6, y + 18, fmt::format("{}", before), "ink");
  }
  return svg;
}

Svg per_class_bars(const Metrics& metrics) {
  const double bar = 17, group = 3 * bar + 28, top = 32;
  const double bottom = top + group * static_cast<double>(metrics.per_class.size());
  Svg svg(figure_width, bottom + 26, "precision, recall and F1 of each class with 95 % intervals");
  const Plot plot{svg, 90, top, figure_width - 58, bottom, 0, 1, 0, 1};
  Legend legend(svg, 0, 16);
  legend.box("fill-a", "precision");
  legend.box("fill-c", "recall");
  legend.box("fill-d", "F1");
  legend.line("whisker", "95 % interval");
  plot.x_quarters();
  for (std::size_t i = 0; i < metrics.per_class.size(); ++i) {
    const ClassMetrics& c = metrics.per_class[i];
    const double y = top + group * static_cast<double>(i) + 14;
    svg.text(0, y + 1.5 * bar - 4, c.name, "ink strong", Svg::start, plot.left - 8);
    svg.text(0, y + 1.5 * bar + 13, fmt::format("{} image{}", c.support, c.support == 1 ? "" : "s"),
             "muted small");
    const std::pair<double, const char*> bars[] = {
        {c.precision, "fill-a"}, {c.recall, "fill-c"}, {c.f1, "fill-d"}};
    double at = y;
    for (const auto& [value, css] : bars) {
      svg.rect(plot.left, at, plot.x(value) - plot.left, bar - 2, css, 0.8);
      svg.text(figure_width, at + bar - 4.5, percent(value, 1), "ink small", Svg::end);
      at += bar;
    }
    if (c.predicted > 0) whisker(plot, c.precision_interval, y + (bar - 2) / 2);
    if (c.support > 0) whisker(plot, c.recall_interval, y + bar + (bar - 2) / 2);
  }
  return svg;
}

Svg accuracy_ladder(const std::string& name, const Metrics& metrics, const std::vector<Baseline>& baselines) {
  const double row = 48;
  const double bottom = row * static_cast<double>(baselines.size() + 1) + 4;
  Svg svg(figure_width, bottom + 24, "test accuracy with 95 % intervals");
  const Plot plot{svg, 0, 22, figure_width - 76, bottom, 0, 1, 0, 1};
  for (const double tick : quarters) {
    svg.text(plot.x(tick), bottom + 18, percent_label(tick), "muted small",
             tick == 0 ? Svg::start : Svg::middle);
  }
  double top = 0;
  const auto draw = [&](const std::string& who, Int correct, Int n, const char* css, const char* weight) {
    const double share = n == 0 ? 0 : static_cast<double>(correct) / static_cast<double>(n), y = top + 33;
    svg.text(0, top + 14, who, fmt::format("ink {}", weight), Svg::start, figure_width);
    svg.line(plot.left, y, plot.right, y, "grid");
    whisker(plot, wilson_interval(correct, n), y);
    svg.circle(plot.x(share), y, 6, css, fmt::format("{}: {} of {}", who, correct, n));
    svg.text(figure_width, y + 5, percent(share, 1), fmt::format("ink {}", weight), Svg::end);
    top += row;
  };
  draw(name, metrics.correct, metrics.n, "fill-a", "strong");
  for (const Baseline& b : baselines) draw(b.name, b.correct, b.n, "fill-b", "");
  return svg;
}

Svg probability_bars(const std::vector<std::string>& classes, const Prediction& prediction) {
  const double width = 300, row = 20;
  Svg svg(width, row * static_cast<double>(classes.size()), "probability of each class");
  for (std::size_t c = 0; c < classes.size() && c < prediction.probabilities.size(); ++c) {
    const double y = row * static_cast<double>(c), p = prediction.probabilities[c];
    const bool called = static_cast<Int>(c) == prediction.predicted,
               truth = static_cast<Int>(c) == prediction.truth;
    svg.text(0, y + 14, classes[c], called ? "ink strong small" : "muted small", Svg::start, 84);
    svg.rect(84, y + 5, 166, 10, "fill-b", 0.18);
    svg.rect(84, y + 5, 166 * p, 10, truth ? "fill-c" : called ? "bad" : "fill-b");
    svg.text(width, y + 14, percent(p, 1), called ? "ink strong small" : "muted small", Svg::end);
  }
  return svg;
}

}  // namespace sonograd
