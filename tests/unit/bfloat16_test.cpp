#include "tensor/bfloat16.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace sonograd;

TEST_CASE("a number is rounded to the nearest bfloat16, ties to even") {
  const auto rounded = [](float x) { return from_bfloat16(to_bfloat16(x)); };
  const float step = 1.0f / 128;  // between 1 and 2
  for (const float kept :
       {0.0f, -0.0f, 1.0f, 1.0f + step, -3.0f, 256.0f, 3.38953139e38f, 0x1p-126f, 0x1p-133f}) {
    CHECK(rounded(kept) == kept);
    CHECK(std::signbit(rounded(kept)) == std::signbit(kept));
  }
  CHECK(rounded(1 + 0.49f * step) == 1);
  CHECK(rounded(1 + 0.51f * step) == 1 + step);
  CHECK(rounded(1 + 0.5f * step) == 1);             // even
  CHECK(rounded(1 + 1.5f * step) == 1 + 2 * step);  // even
  CHECK(rounded(-1 - 1.5f * step) == -1 - 2 * step);
  CHECK(rounded(3.4e38f) == std::numeric_limits<float>::infinity());  // beyond the largest by half a step
  CHECK(rounded(-std::numeric_limits<float>::infinity()) == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(rounded(std::bit_cast<float>(0x7f800001u))));  // whose upper half alone were infinity
}

TEST_CASE("tensors are rounded as single numbers are") {
  const Tensor x = Tensor::of({2, 3}, {0.1, 1.00390625, -7.77, 1e-40, 123456, -0.0});
  const Tensor across = x.view(0, {3, 2}, {1, 3});
  const std::vector<double> values = across.values(), rounded = rounded_to_bfloat16(across).values();
  for (std::size_t i = 0; i < values.size(); ++i)
    CHECK(rounded[i] == from_bfloat16(to_bfloat16(static_cast<float>(values[i]))));
  const auto stored = as_bfloat16(x);
  for (int i = 0; i < 6; ++i)
    CHECK(from_bfloat16(static_cast<const std::uint16_t*>(stored->data())[i]) ==
          rounded_to_bfloat16(x).values()[static_cast<std::size_t>(i)]);
  CHECK_THROWS_WITH_AS(as_bfloat16(across), "only dense tensors are written as bfloat16", Error);
}

TEST_CASE("precisions by name") {
  CHECK(precision_named("f32") == Precision::full);
  CHECK(precision_named("bf16") == Precision::bf16);
  CHECK_THROWS_WITH_AS(precision_named("f16"), "no precision is called f16; there are f32 and bf16", Error);
}
