#include "apps/roofline.h"

#include <cmath>

#include "report/plot.h"

namespace sonograd {
namespace {

constexpr double width = 790, height = 430, list_width = 300;
constexpr double least_intensity = 0.1, least_share = 0.01;  // of an axis and of what is drawn

struct Point {
  double intensity, rate;  // FLOP a byte, FLOP a second
};

Point point_of(const OpCost& cost) {
  const double flops = cost.flops > 0 ? cost.flops : cost.bytes / 4;
  return {flops / std::max(cost.bytes, 1.0), flops / cost.seconds};
}

std::vector<double> decades(double low, double high) {
  std::vector<double> ticks;
  for (double e = std::ceil(low); e <= high; ++e) ticks.push_back(e);
  return ticks;
}

std::string power_label(double exponent) {
  return fmt::format("{:.6g}", std::pow(10, exponent));
}

}  // namespace

Svg roofline(const std::string& title, const std::vector<OpCost>& table, const MachineLimits& limits) {
  double total = 0, most = limits.flops / limits.bytes * 10;
  double least = least_intensity * limits.bytes;
  for (const OpCost& cost : table) total += cost.seconds;
  std::vector<const OpCost*> drawn;
  for (const OpCost& cost : table) {
    if (cost.seconds < least_share * total || cost.bytes == 0) continue;
    drawn.push_back(&cost);
    most = std::max(most, 2 * point_of(cost).intensity);
    least = std::min(least, 0.7 * point_of(cost).rate);
  }
  Svg svg(width, height, title + ": roofline");
  const Plot plot{svg,
                  70,
                  50,
                  width - list_width - 20,
                  height - 50,
                  std::log10(least_intensity),
                  std::log10(most),
                  std::log10(least * 1e-9),
                  std::log10(limits.flops * 2e-9)};
  const auto x = [&](double intensity) { return plot.x(std::log10(intensity)); };
  const auto y = [&](double rate) { return plot.y(std::log10(rate * 1e-9)); };
  svg.text(20, 24, title, "strong");
  plot.y_axis(decades(plot.y_low, plot.y_high), power_label);
  plot.x_axis(decades(plot.x_low, plot.x_high), power_label, "FLOP a byte");
  svg.text(20, plot.top - 8, "GFLOP/s", "muted small");
  const double ridge = limits.flops / limits.bytes;
  svg.polyline({{x(least_intensity), y(least_intensity * limits.bytes)},
                {x(ridge), y(limits.flops)},
                {x(most), y(limits.flops)}},
               "line line-a");
  svg.text(x(most), y(limits.flops) - 7, fmt::format("{:.0f} GFLOP/s", 1e-9 * limits.flops), "muted small",
           Svg::end);
  svg.text(x(ridge / 3), y(ridge / 3 * limits.bytes) - 10, fmt::format("{:.0f} GB/s", 1e-9 * limits.bytes),
           "muted small", Svg::end);
  double line = plot.top;
  svg.text(width - list_width, line, "op", "muted small");
  svg.text(width - 75, line, "of the time", "muted small", Svg::end);
  svg.text(width - 15, line, "of bound", "muted small", Svg::end);
  for (std::size_t k = drawn.size(); k-- > 0;) {  // the dearest above the others
    const OpCost& cost = *drawn[k];
    const Point p = point_of(cost);
    svg.circle(x(p.intensity), y(p.rate), 7 + 20 * std::sqrt(cost.seconds / total), "fill-b",
               fmt::format("{}: {:.1f} GFLOP/s, {:.1f} GB/s", cost.op, 1e-9 * p.rate,
                           1e-9 * cost.bytes / cost.seconds));
    svg.text(x(p.intensity), y(p.rate) + 4, std::to_string(k + 1), "on small", Svg::middle);
  }
  for (std::size_t k = 0; k < drawn.size(); ++k) {
    line += 19;
    const std::string share = fmt::format("{:.0f} %", 100 * drawn[k]->seconds / total);
    const std::string of_bound = fmt::format("{:.0f} %", 100 * drawn[k]->share_of_bound());
    svg.text(width - list_width, line, fmt::format("{}  {}", k + 1, drawn[k]->op), "ink small", Svg::start,
             list_width - 110);
    svg.text(width - 75, line, share, "ink small", Svg::end);
    svg.text(width - 15, line, of_bound, "ink small", Svg::end);
  }
  return svg;
}

}  // namespace sonograd
