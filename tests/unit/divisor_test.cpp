#include "tensor/divisor.h"

#include <doctest/doctest.h>

#include <vector>

using namespace sonograd;

TEST_CASE("a prepared divisor divides as / and % do, on both sides of 2^31") {
  std::vector<Int> numbers;
  for (Int n = 0; n < 300; ++n) numbers.push_back(n);
  for (int power = 8; power < 40; ++power)
    for (Int beside = -2; beside <= 2; ++beside) numbers.push_back((Int{1} << power) + beside);
  for (const Int odd : {641, 6304, 65537, 6700417, 1000000007}) numbers.push_back(odd);
  for (const Int d : numbers) {
    if (d == 0) continue;
    CAPTURE(d);
    const Divisor by(d);
    CHECK(by.size() == d);
    bool same = true;
    const auto check = [&](Int n) {
      if (n < 0) return;
      const Place at = by(n);
      same = same && at.row == n / d && at.column == n % d;
    };
    for (const Int n : numbers) check(n);
    const Int below = Int{1} << 31;
    for (const Int n : {below / d * d - 1, below / d * d, (below - 1) / d * d - 1, (below - 1) / d * d})
      check(n);
    CHECK(same);
  }
}
