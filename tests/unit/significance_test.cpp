#include "report/bootstrap.h"

#include <doctest/doctest.h>

#include <cmath>

#include "report/delong.h"
#include "tests/error_of.h"

using namespace sonograd;

namespace {

// `groups` groups of `size` images that are right or wrong together, half of the groups right.
Interval interval_of(Int groups, Int size) {
  Judged judged;
  for (Int g = 0; g < groups; ++g)
    for (Int i = 0; i < size; ++i) {
      judged.right.push_back(g % 2 == 0);
      judged.groups.push_back(std::to_string(g));
    }
  return grouped_bootstrap(judged, 42);
}

}  // namespace

TEST_CASE("the bootstrap of single images is near Wilson's interval, and of copies as wide as without them") {
  const Interval single = interval_of(100, 1), copies = interval_of(100, 5),
                 wilson = wilson_interval(50, 100);
  CHECK(single.low == doctest::Approx(wilson.low).epsilon(0.03));
  CHECK(single.high == doctest::Approx(wilson.high).epsilon(0.03));
  CHECK(copies.low == single.low);
  CHECK(copies.high == single.high);
}

TEST_CASE(
    "the bootstrap of a mean is near Wilson's interval for shares, and a point where all values are one") {
  std::vector<double> values(100);
  for (std::size_t i = 0; i < 50; ++i) values[i] = 1;
  const Interval shares = mean_bootstrap(values, 42), wilson = wilson_interval(50, 100);
  CHECK(shares.low == doctest::Approx(wilson.low).epsilon(0.03));
  CHECK(shares.high == doctest::Approx(wilson.high).epsilon(0.03));
  const Interval point = mean_bootstrap({0.25, 0.25}, 42);
  CHECK(point.low == 0.25);
  CHECK(point.high == 0.25);
}

TEST_CASE(
    "a difference is drawn for both at once where they judged the same groups, apart where they did not") {
  Judged half, other, elsewhere;
  for (int i = 0; i < 100; ++i) {
    half.right.push_back(i % 2 == 0);
    other.right.push_back(i % 2 == 0 || i == 1);  // one more
    half.groups.push_back(std::to_string(i));
    elsewhere.groups.push_back("other " + std::to_string(i));
  }
  other.groups = half.groups;
  elsewhere.right = other.right;
  const Interval same = grouped_difference(half, other, 42), apart = grouped_difference(half, elsewhere, 42);
  CHECK(same.low >= -0.05);
  CHECK(same.high <= 0);
  // two independent shares of 1/2 in 100 differ by 1.96 · √(2 · 0.25 / 100) at most
  CHECK(apart.high - apart.low == doctest::Approx(2 * 1.96 * std::sqrt(0.005)).epsilon(0.08));
  const auto names = half.groups;
  for (int copy = 0; copy < 4; ++copy)
    for (int i = 0; i < 100; ++i) half.right.push_back(i % 2 == 0), half.groups.push_back(names[i]);
  CHECK(grouped_difference(half, other, 42).low == same.low);
}

TEST_CASE("a bootstrap wants a group for each image") {
  CHECK(error_of([] { mean_bootstrap({}, 1); }) == "a bootstrap needs values");
  CHECK(error_of([] {
          grouped_bootstrap({{true}, {}}, 1);
        }) == "a bootstrap needs a group for each of its images, got 0 for 1");
}

TEST_CASE(
    "DeLong's test says nothing of a perfect and a constant ranking, and gives a perfect one no interval") {
  Scores perfect, constant;
  for (int i = 0; i < 20; ++i) {
    perfect.positive.push_back(i < 10);
    perfect.score.push_back(i < 10 ? 1 : 0);
    constant.score.push_back(0.5);
  }
  constant.positive = perfect.positive;
  CHECK(delong(perfect).auc == 1);
  CHECK(std::isnan(delong(perfect).interval.low));
  CHECK(std::isnan(delong(perfect, constant).p));
  const Scores one{{true, false, false}, {0.9, 0.2, 0.4}}, other{{true, false, false}, {0.3, 0.2, 0.4}};
  CHECK(delong(one, other).first == 1);  // one image of a class: its areas, but no test
  CHECK(delong(one, other).second == 0.5);
  CHECK(std::isnan(delong(one, other).p));
}
