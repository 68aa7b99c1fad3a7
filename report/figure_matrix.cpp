#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {

Svg confusion_matrix(const Metrics& metrics) {
  const std::size_t classes = metrics.classes.size();
  const double left = 92, top = 52, gap = 4;
  const double cell = (figure_width - left - 12) / static_cast<double>(classes);
  const double height = std::min(cell, 84.0);
  Svg svg(figure_width, top + height * static_cast<double>(classes) + 10,
          fmt::format("confusion matrix of {} test images", metrics.n));
  svg.text(left + (figure_width - left - 12) / 2, 16, "predicted", "muted small", Svg::middle);
  svg.text(0, 40, "true", "muted small");
  for (std::size_t t = 0; t < classes; ++t) {
    const double y = top + height * static_cast<double>(t),
                 x_label = left + cell * (static_cast<double>(t) + 0.5);
    const Int total = metrics.per_class[t].support;
    svg.text(x_label, 40, metrics.classes[t], "ink strong", Svg::middle, cell - 6);
    svg.text(0, y + height / 2, metrics.classes[t], "ink strong", Svg::start, left - 8);
    svg.text(0, y + height / 2 + 17, fmt::format("{} image{}", total, total == 1 ? "" : "s"), "muted small");
    for (std::size_t p = 0; p < classes; ++p) {
      const Int count = metrics.confusion[t][p];
      const double share = total == 0 ? 0 : static_cast<double>(count) / static_cast<double>(total);
      const double x = left + cell * static_cast<double>(p);
      svg.rect(x, y, cell - gap, height - gap, t == p ? "fill-a" : "bad", 0.06 + 0.94 * share, 6);
      const char* colour = share > 0.66 ? "on" : "ink";
      svg.text(x + (cell - gap) / 2, y + height / 2 + 1, fmt::format("{}", count),
               fmt::format("{} big", colour), Svg::middle);
      if (height > 50) {
        svg.text(x + (cell - gap) / 2, y + height / 2 + 20, total == 0 ? "–" : percent_label(share),
                 fmt::format("{} small", share > 0.66 ? "on" : "muted"), Svg::middle);
      }
    }
  }
  return svg;
}

}  // namespace sonograd
