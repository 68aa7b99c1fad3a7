#include "report/step_curves.h"

#include <algorithm>
#include <numeric>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

std::vector<double> means(const std::vector<double>& values, std::size_t each) {
  std::vector<double> points;
  for (std::size_t begin = 0; begin < values.size(); begin += each) {
    const std::size_t end = std::min(begin + each, values.size());
    points.push_back(std::accumulate(values.begin() + static_cast<std::ptrdiff_t>(begin),
                                     values.begin() + static_cast<std::ptrdiff_t>(end), 0.0) /
                     static_cast<double>(end - begin));
  }
  return points;
}

}  // namespace

Svg step_curves(const std::string& title, const std::vector<StepCurve>& curves, double high) {
  constexpr std::size_t most_points = 200;
  const std::size_t steps = curves.front().values.size(), each = (steps + most_points - 1) / most_points;
  double low = 0;
  std::vector<std::vector<double>> points;
  for (const StepCurve& curve : curves) {
    points.push_back(means(curve.values, std::max<std::size_t>(each, 1)));
    for (const double y : points.back()) low = std::min(low, y), high = std::max(high, y);
  }
  Svg svg(figure_width, 290, fmt::format("{} over {} steps", title, steps));
  const double last = std::max(2.0, static_cast<double>(steps));
  const Plot plot{svg, 46, 56, figure_width - 12, 246, 1, last, low, std::max(high, 1e-6)};
  plot.y_axis(nice_ticks(low, plot.y_high, 5), plain_label);
  plot.x_axis(nice_ticks(1, last, 5), plain_label,
              each > 1 ? fmt::format("step; each point is the mean of {}", each) : "step");
  Legend legend(svg, 0, 16);
  for (std::size_t c = 0; c < curves.size(); ++c) {
    const std::string css = fmt::format("line line-{}", "abcde"[c % 5]);
    std::vector<std::pair<double, double>> places;
    for (std::size_t i = 0; i < points[c].size(); ++i) {
      const std::size_t begin = i * each, end = std::min(begin + each, steps);
      places.emplace_back(plot.x(static_cast<double>(begin + 1 + end) / 2), plot.y(points[c][i]));
    }
    svg.polyline(places, css);
    legend.line(css, curves[c].name);
  }
  return svg;
}

}  // namespace sonograd
