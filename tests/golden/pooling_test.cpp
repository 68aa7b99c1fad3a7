#include "ops/pooling/pooling.h"

#include <doctest/doctest.h>

#include "tests/golden/cases.h"

using namespace sonograd;
using namespace sonograd::golden;
using nlohmann::json;

namespace {
PoolWindow pooling_of(const json& attributes) {
  const auto pair = [&](const char* name) { return Pair{attributes[name][0], attributes[name][1]}; };
  return {pair("size"), pair("stride"), attributes["padding"] == "same" ? same : valid};
}
}  // namespace

TEST_CASE("pooling agrees with Keras") {
  check_cases("max_pool", [](const json& attributes, const Named& in) -> Named {
    return {{"y", max_pool2d(in.at("x"), pooling_of(attributes))}};
  });
  check_cases("average_pool", [](const json& attributes, const Named& in) -> Named {
    return {{"y", average_pool2d(in.at("x"), pooling_of(attributes))}};
  });
}
