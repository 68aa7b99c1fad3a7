#include "models/weights/dialect.h"

#include "base/error.h"
#include "models/weights/name_rules.h"

namespace sonograd {
namespace {

// Null for a model of no family.
const FamilyRules* family_of(std::string_view model) {
  static const std::vector<FamilyRules> families = [] {
    std::vector<FamilyRules> list;
    for (const EmbeddedNames& names : embedded_names()) list.push_back(parse_name_rules(names.text));
    return list;
  }();
  for (const FamilyRules& family : families)
    for (const std::string& pattern : family.models) {
      NameParts parts;
      if (matches(pattern, model, parts)) return &family;
    }
  return nullptr;
}

// What every family's parameters are called in a dialect, after what the family says itself.
const DialectRules& shared_rules(std::string_view dialect) {
  static const FamilyRules shared = [] {
    for (const EmbeddedNames& names : embedded_names())
      if (names.family == "parameters") return parse_name_rules(names.text);
    throw Error("models/names/parameters.txt is not there");
  }();
  for (const DialectRules& rules : shared.dialects)
    if (rules.name == dialect) return rules;
  throw Error("models/names/parameters.txt has no [{}]", dialect);
}

// The rule for a parameter: its axes, where it names any, must be as many as the shape's.
const NameRule* parameter_rule(const std::vector<NameRule>& rules, std::string_view parameter,
                               const Shape& shape) {
  for (const NameRule& rule : rules) {
    NameParts parts;
    if (matches(rule.pattern, parameter, parts) &&
        (rule.more.empty() || static_cast<int>(rule.more.size()) == shape.rank()))
      return &rule;
  }
  return nullptr;
}

// `2/3`: the second of three parts; `flat`.
void set_layout(NameRow& row, const std::string& word) {
  row.flat = word == "flat";
  if (word.size() == 3 && word[1] == '/') {
    row.part = word[0] - '1';
    row.parts = word[2] - '0';
  }
}

class Naming {
 public:
  explicit Naming(const DialectRules& rules) : family(rules), shared(shared_rules(rules.name)) {}

  // Adds the slot's row, or nothing where the dialect has no place for it. Slots come in the model's order.
  void add(const Slot& slot, NameMap& rows) {
    const std::size_t dot = slot.name.rfind('.');
    const std::string path = slot.name.substr(0, dot), parameter = slot.name.substr(dot + 1);
    if (path != layer) enter(path);
    const NameRule* leaf = parameter_rule(family.parameters, parameter, slot.shape);
    if (!leaf) leaf = parameter_rule(shared.parameters, parameter, slot.shape);
    if (!owner || !leaf) return;
    NameParts parts;
    matches(leaf->pattern, parameter, parts);
    NameRow row{slot.name, slot.shape, theirs + written(leaf->theirs, parts, counts), group, leaf->more};
    set_layout(row, owner->more);
    if (parameter == "moving_variance") row.shift = variance_shift();
    rows.push_back(std::move(row));
  }

 private:
  const DialectRules &family, &shared;
  std::map<std::string, Int> counts;
  std::string layer, theirs, group;
  const NameRule* owner = nullptr;

  void enter(const std::string& path) {
    layer = path;
    owner = nullptr;
    for (const NameRule& rule : family.layers) {
      NameParts parts;
      if (!matches(rule.pattern, path, parts)) continue;
      owner = &rule;
      theirs = written(rule.theirs, parts, counts);
      const std::size_t end = theirs.find('|');
      group = theirs.substr(0, end);
      if (end != std::string::npos) theirs[end] = '/';
      return;
    }
  }

  // `epsilon: theirs ours`: batch norms divide by √(variance + epsilon), so that variances shift by the
  // difference of the two.
  double variance_shift() const {
    for (const auto& [key, words] : family.settings)
      if (key == "epsilon") return std::stod(words[1]) - std::stod(words[0]);
    return 0;
  }
};

Dialect made(const DialectRules& rules, const Slots& slots) {
  Dialect result{rules.name, {}, {}, {}, {}};
  Naming naming(rules);
  for (const Slot& slot : slots) naming.add(slot, result.rows);
  for (const DialectRules* source : {&rules, &shared_rules(rules.name)})
    for (const auto& [key, words] : source->settings) {
      if (key == "ignore") result.ignored.push_back(words[0]);
      if (key == "head") result.head.push_back(words[0]);
      if (key != "imagenet" && key != "plain") continue;
      result.inputs.push_back({key, words[0], {}});
      for (std::size_t i = 1; i < words.size(); ++i)
        result.inputs.back().numbers.push_back(std::stod(words[i]));
    }
  return result;
}

}  // namespace

Tensor InputValues::value() const {
  return Tensor::of(numbers.size() > 1 ? Shape{static_cast<Int>(numbers.size())} : Shape{}, numbers);
}

std::vector<Dialect> dialects(std::string_view model, const Slots& slots) {
  std::vector<Dialect> list;
  if (const FamilyRules* const family = family_of(model))
    for (const DialectRules& rules : family->dialects) list.push_back(made(rules, slots));
  return list;
}

Dialect dialect_named(std::string_view name, std::string_view model, const Slots& slots) {
  const FamilyRules* const family = family_of(model);
  expect(family != nullptr, "{} has no names in the files of others; use its .safetensors", model);
  std::vector<std::string> known;
  for (const DialectRules& rules : family->dialects) {
    if (rules.name == name) return made(rules, slots);
    known.push_back(rules.name);
  }
  throw Error("{} has no names in the files of {}; it has those of {}", model, name, fmt::join(known, ", "));
}

}  // namespace sonograd
