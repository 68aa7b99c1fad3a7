#include "models/weights/name_map.h"

#include <sstream>

#include "tensor/error.h"

namespace sonograd {

std::string NameRow::layer() const {
  const std::size_t end = legacy_weight.rfind('/');
  const std::size_t before = legacy_weight.rfind('/', end - 1);
  return legacy_weight.substr(before + 1, end - before - 1);
}

NameMap parse_name_map(std::string_view text) {
  NameMap map;
  std::istringstream lines{std::string(text)};
  for (std::string line; std::getline(lines, line);) {
    if (line.empty() || line[0] == '#') continue;
    std::istringstream words(line);
    NameRow row;
    std::string more;
    words >> row.name >> row.keras3 >> row.legacy_group >> row.legacy_weight >> row.kind;
    expect(!words.fail() && !(words >> more), "a line of a name map has not five words: {}", line);
    map.push_back(std::move(row));
  }
  return map;
}

NameMap name_map(std::string_view model) {
  std::string known;
  for (const EmbeddedNames& names : embedded_names()) {
    if (names.model == model) return parse_name_map(names.text);
    known += fmt::format("{}{}", known.empty() ? "" : " ", names.model);
  }
  throw Error("{} has no names in the files of Keras (these have: {}); use its .safetensors", model, known);
}

}  // namespace sonograd
