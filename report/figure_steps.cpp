#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {

Svg step_curves(std::string_view title, const std::vector<StepSeries>& series, bool shares) {
  constexpr std::size_t spans = 120;
  const double height = 230;
  std::size_t steps = 1;
  double high = shares ? 1 : 1e-6;
  std::vector<std::vector<std::pair<double, double>>> means;  // step and value
  for (const StepSeries& one : series) {
    const std::size_t n = one.values.size(), span = std::max<std::size_t>(1, (n + spans - 1) / spans);
    steps = std::max(steps, n);
    means.emplace_back();
    for (std::size_t begin = 0; begin < n; begin += span) {
      const std::size_t end = std::min(n, begin + span);
      double sum = 0;
      for (std::size_t i = begin; i < end; ++i) sum += one.values[i];
      const auto count = static_cast<double>(end - begin);
      means.back().emplace_back(static_cast<double>(begin) + (count + 1) / 2, sum / count);
      if (!shares && std::isfinite(sum)) high = std::max(high, 1.05 * sum / count);
    }
  }
  Svg svg(figure_width, height, title);
  const double half = steps > 1 ? 0 : 0.5;  // one step stands in the middle
  const auto last = static_cast<double>(steps);
  const Plot plot{svg, 46, 34, figure_width - 12, height - 44, 1 - half, last + half, 0, high};
  if (shares)
    plot.y_axis(nice_ticks(0, high, 4), percent_label);
  else
    plot.y_axis(nice_ticks(0, high, 4), plain_label);
  std::vector<double> ticks = nice_ticks(0, last, 5);
  ticks.erase(
      std::remove_if(ticks.begin(), ticks.end(), [](double t) { return t < 1 || t != std::floor(t); }),
      ticks.end());
  plot.x_axis(ticks, plain_label, "step");
  Legend legend(svg, 0, 16);
  for (std::size_t s = 0; s < series.size(); ++s) {
    std::vector<std::pair<double, double>> points;
    for (const auto& mean : means[s])
      points.emplace_back(plot.x(mean.first), std::isfinite(mean.second) ? plot.y(mean.second) : Epoch::nan);
    const std::string css = fmt::format("line line-{}", "acde"[s % 4]);
    svg.polyline(points, css);
    legend.line(css, series[s].name);
  }
  return svg;
}

}  // namespace sonograd
