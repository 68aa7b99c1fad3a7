#pragma once
#include <algorithm>
#include <string>

#include "base/error.h"
#include "report/svg.h"

namespace sonograd {

inline std::string percent_label(double share) {
  return fmt::format("{:.0f} %", 100 * share);
}

// Data coordinates inside a box of a drawing, and the axes around it.
struct Plot {
  Svg& svg;
  double left, top, right, bottom;      // the box, in the drawing's units
  double x_low, x_high, y_low, y_high;  // the data at its edges

  double x(double value) const { return left + (value - x_low) / (x_high - x_low) * (right - left); }
  double y(double value) const { return bottom - (value - y_low) / (y_high - y_low) * (bottom - top); }

  // `label(value)` is the text of a tick.
  void x_axis(const std::vector<double>& ticks, auto label, std::string_view title) const {
    svg.line(left, bottom, right, bottom, "axis");
    for (const double tick : ticks) {
      svg.line(x(tick), bottom, x(tick), bottom + 4, "axis");
      svg.text(x(tick), bottom + 18, label(tick), "muted small", Svg::middle);
    }
    svg.text((left + right) / 2, bottom + 36, title, "muted small", Svg::middle);
  }
  void y_axis(const std::vector<double>& ticks, auto label) const {
    for (const double tick : ticks) {
      svg.line(left, y(tick), right, y(tick), "grid");
      svg.text(left - 7, y(tick) + 4, label(tick), "muted small", Svg::end);
    }
  }
  // Of shares: lines from top to bottom at the quarters, named below.
  void x_quarters() const {
    for (const double tick : {0.0, 0.25, 0.5, 0.75, 1.0}) {
      svg.line(x(tick), top, x(tick), bottom, "grid");
      svg.text(x(tick), bottom + 18, percent_label(tick), "muted small", Svg::middle);
    }
  }
};

inline std::string plain_label(double value) {
  return fmt::format("{:.6g}", value);
}

// Colour keys in a row from the left, each a mark and its text; returns where the next would begin.
class Legend {
 public:
  Legend(Svg& svg, double x, double y) : svg(svg), x(x), y(y) {}
  void line(std::string_view css, std::string_view text) {
    svg.line(x, y - 4, x + 18, y - 4, css);
    caption(24, text);
  }
  void box(std::string_view css, std::string_view text, double opacity = 1) {
    svg.rect(x, y - 10, 11, 11, css, opacity);
    caption(17, text);
  }
  void dot(std::string_view css, std::string_view text) {
    svg.circle(x + 5, y - 4, 5, css);
    caption(15, text);
  }
  void ring(std::string_view text) {
    svg.circle(x + 5, y - 4, 4.5, "hollow");
    caption(15, text);
  }

 private:
  void caption(double offset, std::string_view text) {
    svg.text(x + offset, y, text, "ink small");
    x += offset + text_width(text, 12) + 14;
  }
  Svg& svg;
  double x, y;
};

}  // namespace sonograd
