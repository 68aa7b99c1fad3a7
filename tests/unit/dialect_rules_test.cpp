#include "models/weights/dialect.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "data/sha256.h"
#include "models/model_file.h"
#include "models/weights/name_rules.h"
#include "models/zoo.h"
#include "tests/error_of.h"

using namespace sonograd;

namespace {

std::string rewritten(std::string_view pattern, std::string_view name, std::string_view theirs) {
  NameParts parts;
  std::map<std::string, Int> counts;
  return matches(pattern, name, parts) ? written(theirs, parts, counts) : "no match";
}

// The lines of scripts/name_maps.py: Keras' in the model's order, PyTorch's sorted and once each.
std::string lines_of(const Dialect& dialect) {
  std::vector<std::string> lines;
  for (const NameRow& row : dialect.rows)
    lines.push_back((dialect.name == "legacy" ? row.group + " " : "") + row.theirs + "\n");
  if (dialect.name == "timm" || dialect.name == "torchvision") {
    std::sort(lines.begin(), lines.end());
    lines.erase(std::unique(lines.begin(), lines.end()), lines.end());
  }
  std::string text;
  for (const std::string& line : lines) text += line;
  return text;
}

}  // namespace

TEST_CASE("names are those that Keras, timm and torchvision give") {
  const auto golden =
      nlohmann::json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/names.json"))["models"];
  CHECK(golden.size() == 17);
  for (const auto& model : golden.items()) {
    const Slots slots = slots_of(make_model({.name = model.key()}));
    for (const auto& dialect : model.value().items()) {
      CAPTURE(model.key());
      CAPTURE(dialect.key());
      CHECK(sha256(lines_of(dialect_named(dialect.key(), model.key(), slots))) == dialect.value());
    }
  }
}

TEST_CASE("signs stand for parts of a name") {
  CHECK(rewritten("block*.*_conv", "block1a.project_conv", "*/*") == "1a/project");
  CHECK(rewritten("block*.*_conv", "block1a.project_bn", "*/*") == "no match");
  CHECK(rewritten("*", "a.b", "*") == "no match");
  CHECK(rewritten("block#@.bn", "block12c.bn", "blocks.#.@") == "blocks.11.2");
  CHECK(rewritten("block#@.bn", "block1cd.bn", "blocks.#.@") == "no match");
  CHECK(rewritten("block_~", "block_0", "block~") == "block");
  CHECK(rewritten("block_~", "block_3", "block~") == "block_3");
  CHECK(error_of([] { rewritten("a", "a", "b*"); }) == "b* has a * that its pattern has not");

  std::map<std::string, Int> counts;
  CHECK(written("conv~", {}, counts) == "conv");
  CHECK(written("conv~", {}, counts) == "conv_1");
  CHECK(written("bn~", {}, counts) == "bn");
}

TEST_CASE("rules that mean nothing name their line; models without rules say so") {
  CHECK(error_of([] { parse_name_rules("[timm]\na b c d\n"); }) ==
        "a line of models/names has more than three words: a b c d");
  CHECK(error_of([] { parse_name_rules("a b\n"); }) == "a line of models/names means nothing: a b");
  CHECK(dialects("other", {}).empty());
  CHECK(error_of([] { dialect_named("keras3", "other", {}); }) ==
        "other has no names in the files of others; use its .safetensors");
  CHECK(error_of([] { dialect_named("torchvision", "xception", {}); }) ==
        "xception has no names in the files of torchvision; it has those of keras3, legacy, timm");
}
