#include "tensor/precision.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

using namespace sonograd;

namespace {

template <class Type>
float rounded_by(float x) {
  return Type::value(Type::bits(x));
}

constexpr float infinity = std::numeric_limits<float>::infinity();

}  // namespace

TEST_CASE("a number is rounded to the nearest bfloat16, ties to even") {
  const auto rounded = rounded_by<Bfloat16>;
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
  CHECK(rounded(3.4e38f) == infinity);  // beyond the largest by half a step
  CHECK(rounded(-infinity) == -infinity);
  CHECK(std::isnan(rounded(std::numeric_limits<float>::quiet_NaN())));
  CHECK(std::isnan(rounded(std::bit_cast<float>(0x7f800001u))));  // whose upper half alone were infinity
}

// Each of its numbers and each middle between two neighbours, on whose other sides lie the neighbours.
TEST_CASE("a number is rounded to the nearest of all f16, ties to even, subnormals kept") {
  const auto rounded = rounded_by<Float16>;
  int wrong = 0;
  for (std::uint16_t bits = 0; bits <= 0x7c00; ++bits) {
    const int exponent = bits >> 10, fraction = bits & 1023;
    const double written = std::ldexp(exponent == 0 ? fraction : fraction + 1024, std::max(exponent, 1) - 25);
    const float value = bits == 0x7c00 ? infinity : static_cast<float>(written);
    wrong += Float16::value(bits) != value || Float16::bits(value) != bits;
    wrong += Float16::value(bits | 0x8000) != -value || Float16::bits(-value) != (bits | 0x8000);
    if (bits == 0x7c00) break;
    // The largest's next would be 65536.
    const double next = bits == 0x7bff ? 65536 : static_cast<double>(Float16::value(bits + 1));
    const auto middle = static_cast<float>((written + next) / 2);
    const auto below = std::nextafter(middle, 0.0F), above = std::nextafter(middle, infinity);
    wrong += Float16::bits(below) != bits || Float16::bits(above) != bits + 1;
    wrong += Float16::bits(middle) != bits + bits % 2;
  }
  CHECK(wrong == 0);
  CHECK(rounded(65504) == 65504);
  CHECK(rounded(-70000) == -infinity);
  CHECK(rounded(3e38f) == infinity);
  CHECK(rounded(1e-40f) == 0);
  CHECK(std::signbit(rounded(-1e-10f)));
  for (const std::uint32_t nan : {0x7f800001u, 0x7fc00000u, 0xffffffffu})
    CHECK(std::isnan(rounded(std::bit_cast<float>(nan))));
  CHECK(std::isnan(Float16::value(0x7c01)));
}

TEST_CASE("tensors are rounded as single numbers are") {
  const Tensor x = Tensor::of({2, 3}, {0.1, 1.00390625, -7.77, 1e-40, 123456, -0.0});
  const Tensor across = x.view(0, {3, 2}, {1, 3});
  const std::vector<double> values = across.values(), to_bf16 = rounded(across, Precision::bf16).values(),
                            to_f16 = rounded(across, Precision::f16).values();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto value = static_cast<float>(values[i]);
    CHECK(to_bf16[i] == rounded_by<Bfloat16>(value));
    CHECK(to_f16[i] == rounded_by<Float16>(value));
    CHECK(factor(Precision::f16, values[i]) == to_f16[i]);
  }
  CHECK((rounded(across, Precision::full).values() == values));
  const auto stored = as_bfloat16(x);
  for (int i = 0; i < 6; ++i)
    CHECK(Bfloat16::value(static_cast<const std::uint16_t*>(stored->data())[i]) ==
          rounded(x, Precision::bf16).values()[static_cast<std::size_t>(i)]);
  CHECK_THROWS_WITH_AS(as_bfloat16(across), "only dense tensors are written as bfloat16", Error);
}

TEST_CASE("precisions by name") {
  for (const Precision precision : {Precision::full, Precision::bf16, Precision::f16})
    CHECK(precision_named(name_of(precision)) == precision);
  CHECK_THROWS_WITH_AS(precision_named("f64"), "no precision is called f64; there are f32, bf16 and f16",
                       Error);
}
