#include "base/philox.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace sonograd;

// Known answers published with Random123 (kat_vectors, philox4x32 with 10 rounds).
TEST_CASE("philox gives the published known answers") {
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) ==
        Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("a draw depends on seed, purpose, step and index, and on nothing else") {
  const Random random = Random(42).stream("dropout");
  CHECK(random.at(3).uniform(5) == Random(42).stream("dropout").at(3).uniform(5));
  CHECK(random.at(3).uniform(5) != random.at(4).uniform(5));
  CHECK(random.uniform(5) != random.uniform(6));
  CHECK(random.uniform(5) != Random(43).stream("dropout").uniform(5));
  CHECK(random.uniform(5) != Random(42).stream("drop-connect").uniform(5));
}

TEST_CASE("draws have the moments of their distributions") {
  const Random random(1, "moments");
  const int n = 100000;
  double mean = 0, normal_mean = 0, normal_square = 0, truncated_square = 0, largest = 0;
  for (int i = 0; i < n; ++i) {
    mean += random.uniform(i) / n;
    const double z = random.normal(i), t = random.truncated_normal(i);
    normal_mean += z / n;
    normal_square += z * z / n;
    truncated_square += t * t / n;
    largest = std::max(largest, std::abs(t));
  }
  CHECK(std::abs(mean - 0.5) < 0.004);
  CHECK(std::abs(normal_mean) < 0.013);
  CHECK(std::abs(normal_square - 1) < 0.02);
  CHECK(std::abs(truncated_square - 0.7737) < 0.015);  // 0.87962566² is the variance after truncation at 2
  CHECK(largest <= 2);
}
