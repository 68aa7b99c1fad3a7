#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "base/error.h"
#include "data/protocol.h"
#include "data/sha256.h"
#include "data/stratified.h"

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

// The paper's folder in some order of its classes, and what an arm added to each: the list that is split.
static Dataset with_added(const nlohmann::json& one) {
  Dataset data;
  data.classes = {"a", "b", "c"};
  for (const char* which : {"counts", "added"})
    for (Int label = 0; label < 3; ++label)
      for (Int i = 0; i < one[which][label]; ++i) data.samples.push_back({"file", label, "hash"});
  return data;
}

// For each image of the list the one that it is, or is a copy of: copies lie class by class, pass by pass.
static std::vector<Int> scans_of(const nlohmann::json& one) {
  std::vector<Int> scans;
  Int total = 0;
  for (const auto& count : one["counts"]) total += count.get<Int>();
  for (Int i = 0; i < total; ++i) scans.push_back(i);
  Int first = 0;
  for (Int label = 0; label < 3; ++label) {
    const Int n = one["counts"][label], added = one["added"][label];
    for (Int i = 0; i < added; ++i) scans.push_back(first + i % n);
    first += n;
  }
  return scans;
}

TEST_CASE("with the paper's augmented arm, 463 of 469 test images have a relative in training") {
  for (const auto& one : golden()["paper"]) {
    if (one["counts"] != nlohmann::json{437, 133, 210} || one["added"] != nlohmann::json{1311, 1330, 1260})
      continue;
    const std::vector<Int> scans = scans_of(one);
    const Split split = paper_split(with_added(one), std::vector<Int>(scans.size()), 42);
    std::set<Int> trained;
    for (const Int i : split.train) trained.insert(scans[i]);
    const auto related = [&](const std::vector<Int>& part) {
      return std::count_if(part.begin(), part.end(), [&](Int i) { return trained.count(scans[i]) > 0; });
    };
    CHECK(split.test.size() == 469);
    CHECK(related(split.test) == 463);
    CHECK(split.validation.size() == 468);
    CHECK(related(split.validation) == 466);
    return;
  }
  FAIL("the golden numbers hold no augmented arm");
}

TEST_CASE("the paper's splits equal the notebook's: three arms, two orders of the classes") {
  REQUIRE(golden()["paper"].size() == 6);
  for (const auto& one : golden()["paper"]) {
    CAPTURE(one["counts"].dump());
    CAPTURE(one["added"].dump());
    for (Int label = 0; label < 3; ++label) {
      const Int n = one["counts"][label], added = one["added"][label];
      CHECK((added == 0 || added == generated_images(n, 1350) || added == n * copies_of_each(n, 1350)));
    }
    const Dataset data = with_added(one);
    const Split split = paper_split(data, std::vector<Int>(data.size()), 42);
    Int part = 0;
    for (const std::vector<Int>* places : {&split.train, &split.validation, &split.test}) {
      CHECK(static_cast<Int>(places->size()) == one["sizes"][part]);
      CHECK(sha256(fmt::format("{}", fmt::join(*places, ","))) == one["sha256"][part]);
      ++part;
    }
    const auto originals = 437 + 133 + 210;
    CHECK(std::count_if(split.test.begin(), split.test.end(), [&](Int i) { return i >= originals; }) ==
          one["added_in_test"]);
  }
}
