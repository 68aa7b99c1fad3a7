#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "data/split.h"
#include "data/stratified.h"
#include "tensor/error.h"

// Against numbers made with scikit-learn: scripts/golden_split.py

using namespace sonograd;

namespace {

const nlohmann::json& golden() {
  static const nlohmann::json numbers =
      nlohmann::json::parse(std::ifstream(SONOGRAD_SOURCE_DIR "/tests/golden/data/split.json"));
  return numbers;
}

std::vector<Int> labels_of(const nlohmann::json& one) {
  std::vector<Int> labels;
  for (Int label = 0; label < static_cast<Int>(one["counts"].size()); ++label)
    labels.insert(labels.end(), one["counts"][label].get<std::size_t>(), label);
  if (!one.value("interleaved", false)) return labels;
  std::vector<Int> mixed;
  for (std::size_t i = 0; i < labels.size(); ++i) mixed.push_back(labels[i * 7 % labels.size()]);
  return mixed;
}

}  // namespace

TEST_CASE("the stratified split equals scikit-learn's") {
  REQUIRE(golden()["cases"].size() >= 9);
  for (const auto& one : golden()["cases"]) {
    CAPTURE(one["counts"].dump());
    const TwoParts parts = stratified_split(labels_of(one), static_cast<Int>(one["counts"].size()),
                                            one["fraction"], one["seed"]);
    CHECK(parts.first == one["first"].get<std::vector<Int>>());
    CHECK(parts.second == one["second"].get<std::vector<Int>>());
  }
}

TEST_CASE("the paper's split equals the notebook's") {
  const auto& one = golden()["paper"];
  Dataset data;
  data.classes = {"benign", "normal", "malignant"};
  for (const Int label : labels_of(one)) data.samples.push_back({"file", label, "hash"});
  const Split split = make_split(data, std::vector<Int>(data.size()), "paper", 42);
  CHECK(split.train == one["train"].get<std::vector<Int>>());
  CHECK(split.validation == one["validation"].get<std::vector<Int>>());
  CHECK(split.test == one["test"].get<std::vector<Int>>());
}
