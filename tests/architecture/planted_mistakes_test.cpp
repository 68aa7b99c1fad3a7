// The table of tests/gpu_standin/README.md beside the tests that it names.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <string>

namespace fs = std::filesystem;

namespace {

const fs::path root = SONOGRAD_SOURCE_DIR;
using Names = std::set<std::string>;

std::string text_of(const fs::path& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

Names matches(const std::string& text, const std::regex& pattern) {
  Names found;
  for (auto match = std::sregex_iterator(text.begin(), text.end(), pattern); match != std::sregex_iterator();
       ++match)
    found.insert((*match)[1]);
  return found;
}

// The numbers that a test's name ends with: "… [1, 9]".
std::set<int> numbers_of(const std::string& name) {
  static const std::regex list(R"(\[(\d+(?:, \d+)*)\]$)"), number(R"((\d+))");
  std::set<int> found;
  std::smatch match;
  if (std::regex_search(name, match, list))
    for (const std::string& each : matches(match[1], number)) found.insert(std::stoi(each));
  return found;
}

// Of the tests of the gpu device.
Names tests() {
  static const std::regex test_case("TEST_CASE\\(\\s*\"([^\"]*)\"");
  Names all;
  for (const char* folder : {"tests/gpu", "tests/gpu_standin"})
    for (const auto& entry : fs::directory_iterator(root / folder))
      if (entry.path().extension() == ".cpp") all.merge(matches(text_of(entry.path()), test_case));
  return all;
}

// The tests that each row of the table names.
std::map<int, Names> rows(const std::string& page) {
  static const std::regex row(R"(^\| (\d+) \|)"), quoted("\"([^\"]* \\[[0-9, ]+\\])\"");
  std::map<int, Names> all;
  std::istringstream lines(page);
  std::smatch match;
  for (std::string line; std::getline(lines, line);)
    if (std::regex_search(line, match, row)) all[std::stoi(match[1])] = matches(line, quoted);
  return all;
}

// What is wrong between the two.
Names faults(const std::map<int, Names>& table, const Names& tests) {
  Names found;
  for (int number = 1; number <= 25; ++number)
    if (table.count(number) == 0 || table.at(number).empty())
      found.insert("number " + std::to_string(number) + " has no test");
  for (const auto& [number, names] : table)
    for (const std::string& name : names) {
      if (tests.count(name) == 0) found.insert("there is no test \"" + name + "\"");
      if (numbers_of(name).count(number) == 0)
        found.insert("\"" + name + "\" is not of number " + std::to_string(number));
    }
  for (const std::string& name : tests)
    for (const int number : numbers_of(name))
      if (table.count(number) == 0 || table.at(number).count(name) == 0)
        found.insert("\"" + name + "\" is missing under number " + std::to_string(number));
  return found;
}

}  // namespace

TEST_CASE("the table of planted mistakes names for each a test that is there, and all that plant one") {
  const auto table = rows(text_of(root / "tests/gpu_standin/README.md"));
  CHECK(table.size() == 25);
  for (const std::string& fault : faults(table, tests())) FAIL_CHECK(fault);
}

TEST_CASE("what the table lacks, or names in vain, is told") {
  std::map<int, Names> table;
  for (int number = 1; number <= 25; ++number) table[number] = {"test [" + std::to_string(number) + "]"};
  Names all;
  for (const auto& row : table) all.insert(row.second.begin(), row.second.end());
  CHECK(faults(table, all).empty());
  all.insert("another [3, 4]");
  table[3].insert("another [3, 4]");
  table[5] = {};
  table[6] = {"gone [6]", "test [7]"};
  CHECK(faults(table, all) == Names{"\"another [3, 4]\" is missing under number 4", "number 5 has no test",
                                    "\"test [5]\" is missing under number 5", "there is no test \"gone [6]\"",
                                    "\"test [7]\" is not of number 6",
                                    "\"test [6]\" is missing under number 6"});
}
