#include <algorithm>
#include <cmath>

#include "report/figures.h"
#include "report/plot.h"

namespace sonograd {
namespace {

struct Curve {
  double Epoch::*train;
  double Epoch::*validation;
  std::string name;
};

// The epoch of the last phase with the best validation accuracy; -1 without validation images.
Int best_epoch(const History& history) {
  Int best = -1;
  for (std::size_t i = 0; i < history.size(); ++i) {
    if (history[i].phase != history.back().phase || std::isnan(history[i].val_accuracy)) continue;
    if (best < 0 || history[i].val_accuracy > history[static_cast<std::size_t>(best)].val_accuracy) {
      best = static_cast<Int>(i);
    }
  }
  return best;
}

void draw_phases(const Plot& plot, const History& history) {
  for (std::size_t first = 0; first < history.size();) {
    std::size_t last = first;
    while (last < history.size() && history[last].phase == history[first].phase) ++last;
    const double begin = first == 0 ? plot.left : plot.x(static_cast<double>(first) + 0.5);
    const double end = last == history.size() ? plot.right : plot.x(static_cast<double>(last) + 0.5);
    if (first > 0) plot.svg.line(begin, plot.top - 18, begin, plot.bottom, "dash");
    plot.svg.text(begin + (first > 0 ? 6 : 0), plot.top - 8, history[first].phase, "muted small", Svg::start,
                  end - begin - 6);
    first = last;
  }
}

void draw_curve(const Plot& plot, const History& history, double Epoch::*value, const std::string& css,
                const std::string& label) {
  std::vector<std::pair<double, double>> points;
  for (std::size_t i = 0; i < history.size(); ++i) {
    const double y = std::min(history[i].*value, plot.y_high);
    points.emplace_back(plot.x(static_cast<double>(i) + 1),
                        std::isnan(history[i].*value) ? Epoch::nan : plot.y(y));
  }
  plot.svg.polyline(points, "line line-" + css);
  if (history.size() > 40) return;
  for (std::size_t i = 0; i < points.size(); ++i) {
    plot.svg.circle(
        points[i].first, points[i].second, 2.6, "fill-" + css,
        fmt::format("{}, {} epoch {}: {:.4g}", label, history[i].phase, history[i].epoch, history[i].*value));
  }
}

std::vector<double> finite(const History& history, const Curve& curve) {
  std::vector<double> values;
  for (const Epoch& e : history) {
    for (const double value : {e.*curve.train, e.*curve.validation}) {
      if (std::isfinite(value)) values.push_back(value);
    }
  }
  std::sort(values.begin(), values.end());
  return values;
}

Svg draw(const History& history, const Curve& curve, double y_low, double y_high, auto label) {
  const double epochs = std::max(1.0, static_cast<double>(history.size()));
  Svg svg(figure_width, 290, fmt::format("{} over {} epochs", curve.name, history.size()));
  const double half = epochs > 1 ? 0 : 0.5;  // one epoch stands in the middle
  const Plot plot{svg, 46, 56, figure_width - 12, 246, 1 - half, epochs + half, y_low, y_high};
  plot.y_axis(nice_ticks(y_low, y_high, 5), label);
  std::vector<double> ticks = nice_ticks(1, epochs, 7);
  ticks.erase(std::remove_if(ticks.begin(), ticks.end(), [](double t) { return t != std::floor(t); }),
              ticks.end());
  if (ticks.empty() || ticks.front() != 1) ticks.insert(ticks.begin(), 1);
  plot.x_axis(ticks, plain_label, "epoch");
  draw_phases(plot, history);
  draw_curve(plot, history, curve.train, "b", "training");
  draw_curve(plot, history, curve.validation, "a", "validation");

  Legend legend(svg, 0, 16);
  legend.line("line line-b", "training");
  const Int best = best_epoch(history);
  if (best < 0) return svg;
  const Epoch& kept = history[static_cast<std::size_t>(best)];
  legend.line("line line-a", "validation");
  svg.circle(plot.x(static_cast<double>(best) + 1), plot.y(std::min(kept.*curve.validation, y_high)), 5.5,
             "hollow");
  legend.ring(fmt::format("kept: {} {}, {}", kept.phase, kept.epoch,
                          curve.train == &Epoch::accuracy ? percent(kept.val_accuracy, 1)
                                                          : fmt::format("{:.3g}", kept.val_loss)));
  return svg;
}

}  // namespace

Svg accuracy_curves(const History& history) {
  const Curve curve{&Epoch::accuracy, &Epoch::val_accuracy, "accuracy"};
  const auto values = finite(history, curve);
  const double low = values.empty() ? 0 : std::max(0.0, std::floor(values.front() * 10 - 0.2) / 10);
  return draw(history, curve, std::min(low, 0.9), 1, percent_label);
}

Svg loss_curves(const History& history) {
  const Curve curve{&Epoch::loss, &Epoch::val_loss, "loss"};
  const auto values = finite(history, curve);
  double high = values.empty() ? 1 : values.back() * 1.05;
  const double usual = values.empty() ? 1 : values[values.size() * 9 / 10] * 2.5;
  const bool cut = high > usual && usual > 0;
  if (cut) high = usual;
  Svg svg = draw(history, curve, 0, std::max(high, 1e-6), plain_label);
  const auto above = std::count_if(values.begin(), values.end(), [&](double v) { return v > high; });
  if (cut) {
    svg.text(figure_width - 12, 70, fmt::format("{} values above, up to {:.3g}", above, values.back()),
             "muted small", Svg::end);
  }
  return svg;
}

}  // namespace sonograd
