#include "report/svg.h"

#include <cmath>

#include "base/error.h"
#include "report/table.h"

namespace sonograd {
namespace {

// Two decimals without trailing zeros; -0 is 0.
std::string number(double value) {
  std::string text = fmt::format("{:.2f}", std::abs(value) < 0.005 ? 0.0 : value);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string tooltip_element(std::string_view text) {
  return text.empty() ? "" : "<title>" + escape_html(text) + "</title>";
}

// Whole characters from the start that fit into `room` with an ellipsis, or the text itself.
std::string shortened(std::string_view text, double room) {
  if (text_width(text) <= room) return std::string(text);
  const auto drop_character = [&] {
    while (!text.empty() && (static_cast<unsigned char>(text.back()) & 0xC0) == 0x80) text.remove_suffix(1);
    if (!text.empty()) text.remove_suffix(1);
  };
  while (!text.empty() && text_width(text) + text_width("…") > room) drop_character();
  return std::string(text) + "…";
}

std::string colours(std::string_view ink, std::string_view muted, std::string_view grid,
                    std::string_view panel, std::string_view on, const std::vector<std::string>& series,
                    std::string_view bad) {
  std::string css = fmt::format(
      ".figure .ink{{fill:{0}}}.figure .muted{{fill:{1}}}.figure .on{{fill:{4}}}.figure .panel{{fill:{3}}}"
      ".figure .axis{{stroke:{1}}}.figure .grid{{stroke:{2}}}.figure .dash{{stroke:{1}}}"
      ".figure .whisker{{stroke:{0}}}.figure .bad{{fill:{5}}}.figure .hollow{{fill:{3};stroke:{0}}}",
      ink, muted, grid, panel, on, bad);
  for (std::size_t i = 0; i < series.size(); ++i) {
    const char letter = static_cast<char>('a' + i);
    css += fmt::format(".figure .fill-{0}{{fill:{1}}}.figure .line-{0}{{stroke:{1}}}", letter, series[i]);
  }
  return css;
}

}  // namespace

const std::string& figure_style() {
  static const std::string style =
      ".figure{font:13px system-ui,-apple-system,'Segoe UI',Roboto,'Helvetica Neue',Arial,sans-serif;"
      "font-variant-numeric:tabular-nums}"
      ".figure .strong{font-weight:600}.figure .big{font-size:20px;font-weight:600}.figure "
      ".small{font-size:12px}"
      ".figure .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}"
      ".figure .thin{fill:none;stroke-width:1.5;stroke-linejoin:round}"
      ".figure .axis,.figure .grid{stroke-width:1}.figure .dash{stroke-width:1;stroke-dasharray:3 4}"
      ".figure .whisker{stroke-width:1.5;stroke-linecap:round}.figure .hollow{stroke-width:1.5}" +
      colours("#1b2230", "#5b6576", "#e3e7ed", "#ffffff", "#ffffff",
              {"#2257bf", "#8c97a8", "#0f8f7c", "#c9741a", "#9250b0"}, "#c8452d") +
      "@media screen and (prefers-color-scheme:dark){" +
      colours("#e8ecf3", "#9ba6b7", "#2a3442", "#161d26", "#0b1017",
              {"#77a7ff", "#76839a", "#41c7ae", "#f0a860", "#cd93e6"}, "#ff8468") +
      "}";
  return style;
}

Svg::Svg(double width_, double height_, std::string_view title_)
    : width(width_), height(height_), title(escape_html(title_)) {}

void Svg::rect(double x, double y, double w, double h, std::string_view css, double opacity, double radius) {
  body += fmt::format("<rect class=\"{}\" x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"", css, number(x),
                      number(y), number(std::max(0.0, w)), number(std::max(0.0, h)));
  if (radius > 0) body += fmt::format(" rx=\"{}\"", number(radius));
  if (opacity < 1) body += fmt::format(" fill-opacity=\"{}\"", number(opacity));
  body += "/>\n";
}

void Svg::line(double x1, double y1, double x2, double y2, std::string_view css) {
  body += fmt::format("<line class=\"{}\" x1=\"{}\" y1=\"{}\" x2=\"{}\" y2=\"{}\"/>\n", css, number(x1),
                      number(y1), number(x2), number(y2));
}

void Svg::polyline(const std::vector<std::pair<double, double>>& points, std::string_view css) {
  std::string path;
  bool pen_down = false;
  for (const auto& [x, y] : points) {
    const bool gap = std::isnan(x) || std::isnan(y);
    if (!gap) path += fmt::format("{}{} {}", pen_down ? "L" : "M", number(x), number(y));
    pen_down = !gap;
  }
  if (!path.empty()) body += fmt::format("<path class=\"{}\" d=\"{}\"/>\n", css, path);
}

void Svg::circle(double x, double y, double radius, std::string_view css, std::string_view tooltip) {
  if (std::isnan(x) || std::isnan(y)) return;
  body += fmt::format("<circle class=\"{}\" cx=\"{}\" cy=\"{}\" r=\"{}\">{}</circle>\n", css, number(x),
                      number(y), number(radius), tooltip_element(tooltip));
}

void Svg::text(double x, double y, std::string_view words, std::string_view css, Anchor anchor, double room) {
  const std::string shown = shortened(words, room);
  const char* anchors[] = {"", " text-anchor=\"middle\"", " text-anchor=\"end\""};
  body += fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\"{}>{}{}</text>\n", css, number(x), number(y),
                      anchors[anchor], shown == words ? "" : tooltip_element(words), escape_html(shown));
}

std::string Svg::markup() const {
  return fmt::format("<svg class=\"figure\" viewBox=\"0 0 {} {}\" role=\"img\"><title>{}</title>\n{}</svg>\n",
                     number(width), number(height), title, body);
}

std::string Svg::file() const {
  constexpr double margin = 16;
  const std::string w = number(width + 2 * margin), h = number(height + 2 * margin), edge = number(-margin);
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"figure\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"{2} {2} {0} {1}\"><title>{3}</title>\n<style>{4}</style>\n"
      "<rect class=\"panel\" x=\"{2}\" y=\"{2}\" width=\"{0}\" height=\"{1}\"/>\n{5}</svg>\n",
      w, h, edge, title, figure_style(), body);
}

double text_width(std::string_view text, double size) {
  double em = 0;
  for (const char c : text) {
    if ((static_cast<unsigned char>(c) & 0xC0) == 0x80) continue;  // the rest of a UTF-8 character
    const bool narrow = std::string_view(" .,:;|!'ijlft()").find(c) != std::string_view::npos;
    const bool wide = std::string_view("mwMW%").find(c) != std::string_view::npos;
    em += narrow ? 0.33 : wide ? 0.88 : 0.58;
  }
  return em * size;
}

std::vector<double> nice_ticks(double low, double high, int wanted) {
  const double raw = (high - low) / std::max(1, wanted);
  if (!(raw > 0) || !std::isfinite(raw)) return {low};
  const double power = std::pow(10.0, std::floor(std::log10(raw)));
  const double step = power * (raw <= power * 1.0001   ? 1
                               : raw <= 2.0001 * power ? 2
                               : raw <= 5.0001 * power ? 5
                                                       : 10);
  std::vector<double> ticks;
  const double slack = 1e-9 * step;
  for (double k = std::ceil((low - slack) / step); k * step <= high + slack; ++k)
    ticks.push_back(k * step + 0.0);  // never -0
  return ticks;
}

}  // namespace sonograd
