#include "report/bootstrap.h"

#include <doctest/doctest.h>

#include "tests/error_of.h"

using namespace sonograd;

namespace {

// `groups` groups of `size` images that are right or wrong together, half of the groups right.
Interval interval_of(Int groups, Int size) {
  std::vector<bool> right;
  std::vector<std::string> names;
  for (Int g = 0; g < groups; ++g)
    for (Int i = 0; i < size; ++i) {
      right.push_back(g % 2 == 0);
      names.push_back(std::to_string(g));
    }
  return grouped_bootstrap(right, names, 42);
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

TEST_CASE("a bootstrap wants a group for each image") {
  CHECK(error_of([] { grouped_bootstrap({true}, {}, 1); }) ==
        "a bootstrap needs a group for each of its images, got 0 for 1");
}
