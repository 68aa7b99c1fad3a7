#include "report/html_parts.h"

#include "base/error.h"

namespace sonograd {
std::string image(std::string_view png, const std::string& alt) {
  return fmt::format("<img alt=\"{}\" src=\"data:image/png;base64,{}\">", escape_html(alt), base64(png));
}

std::string section(const std::string& heading, const std::string& about) {
  if (about.empty()) return fmt::format("<h2>{}</h2>\n", escape_html(heading));
  return fmt::format("<h2>{}</h2>\n<p class=\"about\">{}</p>\n", escape_html(heading), escape_html(about));
}

std::string panel(const std::string& heading, const Svg& figure, const std::string& caption) {
  std::string out =
      fmt::format("<figure class=\"panel\"><h3>{}</h3>\n{}", escape_html(heading), figure.markup());
  if (!caption.empty()) out += fmt::format("<figcaption>{}</figcaption>", escape_html(caption));
  return out + "</figure>\n";
}

std::string fact(const std::string& name, const std::string& value) {
  if (value.empty()) return "";
  return fmt::format("<div><dt>{}</dt><dd>{}</dd></div>\n", escape_html(name), escape_html(value));
}

std::string html_page(const std::string& title, const std::string& style, const std::string& body) {
  return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
         "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">\n<title>" +
         escape_html(title) + "</title>\n<style>" + style + "</style>\n</head>\n<body>\n<main>\n" + body +
         "</main>\n</body>\n</html>\n";
}

std::string base64(std::string_view bytes) {
  static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    unsigned group = 0;
    for (std::size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? digits[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

}  // namespace sonograd
