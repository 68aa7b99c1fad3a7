#pragma once
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/shape.h"

namespace sonograd {

// A line of models/names/: a pattern of our name, what is written for it, and at times a third word.
//
// Signs stand for parts of a name. `*`: any text without a dot. `#`: a number, written less one. `@`: a
// letter, written as its place from 0. `~`: a number as Keras numbers layers, nothing for 0, else _n; written
// where the pattern has none, it counts the layers so far that had the same text before it.
struct NameRule {
  std::string pattern, theirs, more;
};

struct DialectRules {
  std::string name;
  std::vector<NameRule> layers, parameters;
  std::vector<std::pair<std::string, std::vector<std::string>>> settings;  // `ignore: .num_batches_tracked`
};

struct FamilyRules {
  std::vector<std::string> models;  // patterns
  std::vector<DialectRules> dialects;
};

// Throws Error, with the line, where the text is not made of such lines.
FamilyRules parse_name_rules(std::string_view text);

// What the signs of a pattern stood for, in order.
using NameParts = std::vector<std::pair<char, std::string>>;
bool matches(std::string_view pattern, std::string_view name, NameParts& parts);

// The text `theirs` with the signs written out. `counts` holds how often each text stood before a counting ~.
std::string written(std::string_view theirs, NameParts parts, std::map<std::string, Int>& counts);

}  // namespace sonograd
