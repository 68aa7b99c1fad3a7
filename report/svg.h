#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sonograd {

// A drawing in user units, y downwards. Colours are class names of figure_style(), so that one drawing serves
// a light and a dark page; the text comes out the same on every machine (system fonts, nothing embedded).
class Svg {
 public:
  enum Anchor { start, middle, end };

  Svg(double width, double height,
      std::string_view title);  // the title is read out to those who cannot see it

  void rect(double x, double y, double width, double height, std::string_view css, double opacity = 1,
            double radius = 2);
  void line(double x1, double y1, double x2, double y2, std::string_view css);
  void polyline(const std::vector<std::pair<double, double>>& points,
                std::string_view css);  // NaN makes a gap
  void circle(double x, double y, double radius, std::string_view css, std::string_view tooltip = "");
  // `y` is the baseline. Text wider than `room` is cut with an ellipsis, and shown whole as a tooltip.
  void text(double x, double y, std::string_view text, std::string_view css, Anchor anchor = start,
            double room = 1e9);

  std::string markup() const;  // for a page that holds figure_style()
  std::string file() const;    // to stand alone: with the style and the name space

 private:
  double width, height;
  std::string title, body;
};

// Classes, each for light, dark and print. Text: ink, muted, strong, on (over a full fill), big, small.
// Fills: fill-a … fill-e, good, bad, panel. Lines: line-a … line-e, axis, grid, dash, whisker.
const std::string& figure_style();

double text_width(std::string_view text, double size = 13);  // an estimate, for margins and legends
std::vector<double> nice_ticks(double low, double high,
                               int wanted);  // multiples of 1, 2 or 5 · 10^k in [low, high]

}  // namespace sonograd
