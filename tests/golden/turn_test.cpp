#include "data/turn.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

// Against numbers made with Keras: scripts/golden_turn.py

using namespace sonograd;

TEST_CASE("a turned picture equals that of Keras' RandomRotation and RandomFlip, pixel for pixel") {
  const auto golden =
      nlohmann::json::parse(std::ifstream(SONOGRAD_SOURCE_DIR "/tests/golden/data/turn.json"));
  REQUIRE(golden["cases"].size() >= 6);
  for (const auto& one : golden["cases"]) {
    const Int height = one["height"], width = one["width"];
    CAPTURE(height);
    CAPTURE(one["angle"].get<double>());
    std::vector<std::uint8_t> picture;
    for (Int y = 0; y < height; ++y)
      for (Int x = 0; x < width; ++x)
        for (Int c = 0; c < 3; ++c)
          picture.push_back(static_cast<std::uint8_t>((3 * x + 5 * y + 40 * c) ^ ((x * y) >> 4)));
    std::vector<float> turned(picture.size());
    write_turned(picture, height, width, {one["angle"], one["left_right"], one["up_down"]}, turned.data());
    const auto expected = one["pixels"].get<std::vector<float>>();
    REQUIRE(expected.size() == turned.size());
    float largest = 0;
    for (std::size_t i = 0; i < turned.size(); ++i)
      largest = std::max(largest, std::abs(turned[i] - expected[i]));
    CHECK(largest < 2e-3f);  // of 255
  }
}

TEST_CASE("angles reach 0.8 of a full turn both ways; coins follow the rule of Keras 2 or 3") {
  for (const Keras keras : {Keras::v2, Keras::v3}) {
    double least = 0, most = 0;
    std::array<int, 4> seen{};
    for (Int i = 0; i < 400; ++i) {
      const Turn turn = random_turn(Random(1, "test").at(i), keras);
      least = std::min(least, turn.angle);
      most = std::max(most, turn.angle);
      CHECK(turn.angle == static_cast<double>(static_cast<float>(turn.angle)));
      ++seen[(turn.left_right ? 1 : 0) + (turn.up_down ? 2 : 0)];
    }
    CHECK(std::abs(least + 5.0265) < 0.06);
    CHECK(std::abs(most - 5.0265) < 0.06);
    for (const int both : {0, 3}) CHECK(std::abs(seen[both] - (keras == Keras::v2 ? 100 : 200)) < 40);
    for (const int one : {1, 2})
      CHECK(std::abs(seen[one] - (keras == Keras::v2 ? 100 : 0)) < (keras == Keras::v2 ? 40 : 1));
  }
}
