#include "report/table.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "base/error.h"
#include "base/file.h"

namespace sonograd {
namespace {

std::string csv_line(const std::vector<std::string>& cells) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) line += ',';
    if (cells[i].find_first_of(",\"\r\n") == std::string::npos) {
      line += cells[i];
      continue;
    }
    line += '"';
    for (const char c : cells[i]) line += c == '"' ? "\"\"" : std::string(1, c);
    line += '"';
  }
  return line + '\n';
}

std::string html_row(const std::vector<std::string>& cells, const char* tag) {
  std::string row = "<tr>";
  for (std::size_t i = 0; i < cells.size(); ++i) {
    row += fmt::format("<{}{}>{}</{}>", tag, i == 0 ? "" : " class=\"number\"", escape_html(cells[i]), tag);
  }
  return row + "</tr>\n";
}

bool looks_like_number(std::string_view cell) {
  for (const std::string_view absent : {"", "–", "nan", "-nan", "inf", "-inf"})
    if (cell == absent) return true;
  const auto first = cell.find_first_not_of("+-.");
  return first != std::string_view::npos && '0' <= cell[first] && cell[first] <= '9';
}

}  // namespace

std::string Table::csv() const {
  std::string out = csv_line(header);
  for (const auto& row : rows) out += csv_line(row);
  return out;
}

std::string Table::html() const {
  std::string out = "<table>\n<thead>" + html_row(header, "th") + "</thead>\n<tbody>\n";
  for (const auto& row : rows) out += html_row(row, "td");
  return out + "</tbody>\n</table>\n";
}

std::string Table::text() const {
  std::vector<Int> width;
  std::vector<bool> words(header.size(), false);  // columns of other things than numbers
  if (!words.empty()) words[0] = true;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i)
      if (!looks_like_number(row[i])) words[i] = true;
  const auto measure = [&](const std::vector<std::string>& cells) {
    width.resize(std::max(width.size(), cells.size()), 0);
    for (std::size_t i = 0; i < cells.size(); ++i) width[i] = std::max(width[i], display_width(cells[i]));
  };
  measure(header);
  for (const auto& row : rows) measure(row);

  std::string out;
  const auto print = [&](const std::vector<std::string>& cells) {
    std::string line;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      const std::string space(static_cast<std::size_t>(width[i] - display_width(cells[i])), ' ');
      line += (i == 0 ? "" : "  ") + (words[i] ? cells[i] + space : space + cells[i]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + '\n';
  };
  print(header);
  for (const auto& row : rows) print(row);
  return out;
}

Table parse_csv(std::string_view text) {
  std::vector<std::vector<std::string>> lines;
  std::vector<std::string> cells(1);
  bool quoted = false;
  const auto end_line = [&] {
    if (cells.size() > 1 || !cells[0].empty()) lines.push_back(cells);
    cells.assign(1, "");
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (i + 1 < text.size() && text[i + 1] == '"') {
        cells.back() += text[++i];
      } else {
        quoted = false;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == ',') {
      cells.emplace_back();
    } else if (c == '\n') {
      end_line();
    } else if (c != '\r') {
      cells.back() += c;
    }
  }
  expect(!quoted, "csv line {}: a quote is never closed", lines.size() + 1);
  end_line();
  Table table;
  if (lines.empty()) return table;
  table.header = std::move(lines.front());
  table.rows.assign(std::make_move_iterator(lines.begin() + 1), std::make_move_iterator(lines.end()));
  return table;
}

Table read_csv(const std::filesystem::path& path) {
  Table table = parse_csv(read_file(path));
  for (std::size_t i = 0; i < table.rows.size(); ++i) {
    expect(table.rows[i].size() == table.header.size(), "{} line {}: {} cells under {} columns",
           path.string(), i + 2, table.rows[i].size(), table.header.size());
  }
  return table;
}

double parse_number(const std::string& cell) {
  if (cell.empty()) return std::numeric_limits<double>::quiet_NaN();
  char* end = nullptr;
  const double value = std::strtod(cell.c_str(), &end);
  expect(*end == '\0', "'{}' is not a number", cell);
  return value;
}

Int parse_integer(const std::string& cell) {
  const double value = parse_number(cell);
  expect(std::abs(value) < 1e15 && value == std::floor(value), "'{}' is no whole number", cell);
  return static_cast<Int>(value);
}

std::string significant(double value) {
  return std::isnan(value) ? "" : fmt::format("{:.9g}", value);
}

std::string percent(double fraction, int digits) {
  return std::isnan(fraction) ? "–" : fmt::format("{:.{}f} %", 100 * fraction, digits);
}

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string shortened(const std::string& utf8, Int width) {
  if (display_width(utf8) <= width) return utf8;
  std::vector<std::string> points;
  for (const char c : utf8) {
    if (points.empty() || (static_cast<unsigned char>(c) & 0xC0) != 0x80) points.emplace_back();
    points.back() += c;
  }
  const auto tail = static_cast<std::ptrdiff_t>(width / 2),
             head = static_cast<std::ptrdiff_t>(width) - 1 - tail;
  return fmt::format("{}…{}", fmt::join(points.begin(), points.begin() + head, ""),
                     fmt::join(points.end() - tail, points.end(), ""));
}

Int display_width(std::string_view utf8) {
  return std::count_if(utf8.begin(), utf8.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; });
}

}  // namespace sonograd
