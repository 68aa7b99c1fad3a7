#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

constexpr double row_height = 46, names_width = 158, gap = 54;

// Where the axis begins: a tenth below everything that is shown.
double lowest(const std::vector<DotColumn>& columns) {
  double low = 1;
  for (const DotColumn& column : columns)
    for (const AccuracyDot& dot : column.dots)
      for (const double value : {dot.n > 0 ? dot.interval.low : 1.0, dot.published})
        if (!std::isnan(value)) low = std::min(low, value);
  return std::max(0.0, std::floor(10 * low - 0.2) / 10);
}

void draw_dot(const Plot& plot, const AccuracyDot& dot, double y, bool first, const std::string& who) {
  if (!std::isnan(dot.published))
    plot.svg.circle(plot.x(dot.published), y, 6, "hollow",
                    fmt::format("{}, published: {}", who, percent(dot.published, 1)));
  if (dot.n == 0) return;
  const double share = static_cast<double>(dot.correct) / static_cast<double>(dot.n);
  plot.svg.line(plot.x(dot.interval.low), y, plot.x(dot.interval.high), y, "whisker");
  plot.svg.circle(plot.x(share), y, 6, first ? "fill-a" : "fill-b",
                  fmt::format("{}: {} of {}, {} %", who, dot.correct, dot.n, percent_range(dot.interval)));
  plot.svg.text(plot.x(share), y - 10, fmt::format("{:.1f}", 100 * share),
                first ? "ink strong small" : "ink small", Svg::middle);
}

}  // namespace

Svg accuracy_dots(const std::vector<DotRow>& rows, const std::vector<DotColumn>& columns) {
  const double width = names_width + 220 * static_cast<double>(std::max<std::size_t>(2, columns.size()));
  const double top = 66, bottom = top + row_height * static_cast<double>(rows.size());
  Svg svg(width, bottom + 28, "test accuracy of each model on each data set");
  Legend legend(svg, 0, 16);
  legend.dot("fill-a", "here, with its 95 % interval");
  legend.ring("as published");
  legend.line("dash", "always the largest class");
  const double low = lowest(columns);
  const double each = (width - names_width) / static_cast<double>(columns.size());
  for (std::size_t r = 0; r < rows.size(); ++r) {
    const double y = top + row_height * (static_cast<double>(r) + 0.5);
    svg.text(0, y + (rows[r].note.empty() ? 5 : -2), rows[r].name, rows[r].first ? "ink strong" : "ink",
             Svg::start, names_width - 6);
    svg.text(0, y + 14, rows[r].note, "muted small", Svg::start, names_width - 6);
  }
  for (std::size_t c = 0; c < columns.size(); ++c) {
    const DotColumn& column = columns[c];
    const double left = names_width + each * static_cast<double>(c);
    const Plot plot{svg, left + gap / 2, top, left + each - gap / 2, bottom, low, 1, 0, 1};
    svg.text((plot.left + plot.right) / 2, top - 14, column.name, "ink strong", Svg::middle, each);
    for (const double tick : nice_ticks(low, 1, 4)) {
      svg.line(plot.x(tick), top, plot.x(tick), bottom, "grid");
      svg.text(plot.x(tick), bottom + 18, percent_label(tick), "muted small", Svg::middle);
    }
    if (column.largest_class >= low)
      svg.line(plot.x(column.largest_class), top, plot.x(column.largest_class), bottom, "dash");
    for (std::size_t r = 0; r < rows.size() && r < column.dots.size(); ++r)
      draw_dot(plot, column.dots[r], top + row_height * (static_cast<double>(r) + 0.5), rows[r].first,
               fmt::format("{}, {}", rows[r].name, column.name));
  }
  return svg;
}

}  // namespace sonograd
