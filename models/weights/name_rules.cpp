#include "models/weights/name_rules.h"

#include <algorithm>
#include <sstream>

#include "base/error.h"

namespace sonograd {
namespace {

bool is_sign(char c) {
  return c == '*' || c == '#' || c == '@' || c == '~';
}

bool stands_for(char sign, char c) {
  if (sign == '*') return c != '.';
  return sign == '@' ? 'a' <= c && c <= 'z' : '0' <= c && c <= '9';
}

std::string keras_number(Int number) {
  return number == 0 ? "" : fmt::format("_{}", number);
}

std::string written_part(char sign, const std::string& part) {
  if (sign == '*') return part;
  if (sign == '@') return std::to_string(part[0] - 'a');
  const Int number = std::stoll(part);
  return sign == '#' ? std::to_string(number - 1) : keras_number(number);
}

}  // namespace

bool matches(std::string_view pattern, std::string_view name, NameParts& parts) {
  if (pattern.empty()) return name.empty();
  const char sign = pattern[0];
  if (!is_sign(sign))
    return !name.empty() && name[0] == sign && matches(pattern.substr(1), name.substr(1), parts);
  const std::size_t longest = sign == '@' ? std::min<std::size_t>(1, name.size()) : name.size();
  for (std::size_t n = 1; n <= longest && stands_for(sign, name[n - 1]); ++n) {
    parts.emplace_back(sign, name.substr(0, n));
    if (matches(pattern.substr(1), name.substr(n), parts)) return true;
    parts.pop_back();
  }
  return false;
}

std::string written(std::string_view theirs, NameParts parts, std::map<std::string, Int>& counts) {
  std::string text;
  for (const char c : theirs) {
    if (!is_sign(c)) {
      text += c;
      continue;
    }
    const auto part = std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == c; });
    if (part != parts.end()) {
      text += written_part(c, part->second);
      parts.erase(part);
    } else {
      expect(c == '~', "{} has a {} that its pattern has not", theirs, c);
      text += keras_number(counts[text]++);
    }
  }
  return text;
}

FamilyRules parse_name_rules(std::string_view text) {
  FamilyRules family;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream stream(line);
    std::vector<std::string> words;
    for (std::string word; stream >> word;) words.push_back(word);
    if (words.empty() || words[0] == "#") continue;
    const std::string first = words[0];
    if (first == "models:") {
      family.models.assign(words.begin() + 1, words.end());
    } else if (first.front() == '[' && first.back() == ']') {
      family.dialects.push_back({first.substr(1, first.size() - 2), {}, {}, {}});
    } else {
      expect(!family.dialects.empty() && words.size() >= 2, "a line of models/names means nothing: {}", line);
      DialectRules& dialect = family.dialects.back();
      if (first.back() == ':') {
        dialect.settings.push_back({first.substr(0, first.size() - 1), {words.begin() + 1, words.end()}});
        continue;
      }
      expect(words.size() <= 3, "a line of models/names has more than three words: {}", line);
      words.resize(3);
      const bool parameter = first.front() == '.';
      (parameter ? dialect.parameters : dialect.layers)
          .push_back({parameter ? first.substr(1) : first, words[1] == "-" ? "" : words[1], words[2]});
    }
  }
  return family;
}

}  // namespace sonograd
