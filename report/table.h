#pragma once
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/int.h"

namespace sonograd {

// Cells are text that is ready to show; rows may be shorter than the header.
struct Table {
  std::vector<std::string> header;
  std::vector<std::vector<std::string>> rows;

  std::string csv() const;   // RFC 4180 quoting, lines end in \n
  std::string text() const;  // aligned columns for a terminal: numbers to the right
  std::string html()
      const;  // <table>, every cell escaped; cells but the first column's have the class "number"
};

// Reads what csv() writes, and \r\n. Throws Error on a quote that is never closed.
Table parse_csv(std::string_view text);
Table read_csv(const std::filesystem::path& path);  // and throws on a row that is not as long as the header

double parse_number(const std::string& cell);               // NaN for ""; throws Error on other text
Int parse_integer(const std::string& cell);                 // throws Error on all but a whole number
std::string significant(double value);                      // 9 significant digits, "" for NaN
std::string percent(double fraction, int digits);           // 0.8846 -> "88.5 %"; "–" for NaN
std::string escape_html(std::string_view text);             // & < > " '
std::string shortened(const std::string& utf8, Int width);  // `…` in its middle, where it is wider
Int display_width(std::string_view utf8);                   // code points: the columns that a terminal takes

}  // namespace sonograd
