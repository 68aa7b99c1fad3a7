#include "layers/moving_average.h"

#include <doctest/doctest.h>

#include "base/error.h"

using namespace sonograd;

TEST_CASE("moving statistics follow Keras 3, and Keras 2 by the factor n/(n-1)") {
  Tensor moving = Tensor::of({2}, {1, 10}), unbiased = moving.copy();
  const Tensor batch = Tensor::of({2}, {3, 0});
  apply_updates({{moving, batch, 0.75}, {unbiased, batch, 0.75, 4.0 / 3.0}});
  CHECK(moving.values() == std::vector<double>{1.5, 7.5});
  CHECK(unbiased.at(0) == doctest::Approx(1.75).epsilon(1e-7));
  Tensor wrong = Tensor::zeros({3});
  CHECK_THROWS_WITH(apply_updates({{wrong, batch, 0.75}}), "a moving average [3] is updated with [2]");
}
