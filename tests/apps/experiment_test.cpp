// `sonograd experiment`.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;

namespace {

std::map<std::string, json> claims(const Arguments& more) {
  const Outcome outcome = run(with({"experiment", "claims", "--json"}, more));
  check_done(outcome);
  const json answer = json::parse(outcome.out);
  std::map<std::string, json> by_id;
  for (const json& claim : answer.at("claims")) by_id[claim.at("id")] = claim;
  return by_id;
}

}  // namespace

TEST_CASE("experiment claims does the paper's arithmetic again") {
  const auto found = claims({});
  const auto verdict = [&](const std::string& id) { return found.at(id).at("verdict").get<std::string>(); };
  for (const char* holds : {"split", "generated-malignant", "parameters-aeganb3", "gain-gan", "fig14",
                            "peak-train", "row-aeganb3-gan-finetune", "best-gan"})
    CHECK_MESSAGE(verdict(holds) == "verified", holds);
  for (const char* does_not : {"gain-gan-augmented", "fewer-parameters", "text-vit_b16", "attention",
                               "fall-vit_b16", "deb", "resize"})
    CHECK_MESSAGE(verdict(does_not) == "contradicted", does_not);
  CHECK(verdict("images-benign") == "untestable");
  CHECK(found.at("fig14").at("evidence") == "447 right as 161/175, 146/147, 140/147");
  CHECK(found.at("row-aeganb3-augmented-finetune").at("evidence") ==
        "validation 443/468, test 447/469, recall equals accuracy");
  for (const auto& entry : found)
    if (entry.first.rfind("row-", 0) == 0)
      CHECK_MESSAGE(entry.second.at("verdict") == "verified", entry.first);
}

TEST_CASE("experiment claims counts the images of a folder") {
  const auto found = claims({"--data", small_run().data});
  CHECK(found.at("images-benign").at("verdict") == "contradicted");
}
