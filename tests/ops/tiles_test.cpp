#include "ops/matmul/tiles.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/philox.h"
#include "tensor/precision.h"
#include "tests/with_threads.h"

using namespace sonograd;

namespace {

constexpr float not_a_number = std::numeric_limits<float>::quiet_NaN();

// A matrix that lies among NaN, its columns or, transposed, its rows apart by more than they are long.
struct Among {
  std::vector<float> memory;
  View<float> view;

  Among(Int rows, Int columns, bool transposed) {
    const Int lines = transposed ? columns : rows, length = transposed ? rows : columns, stride = length + 3;
    memory.assign(static_cast<std::size_t>((lines + 2) * stride), not_a_number);
    view = {
        memory.data() + stride + 1, {rows, columns}, transposed ? Strides{1, stride} : Strides{stride, 1}};
  }
  Among& random(const char* purpose) {
    const Random source(5, purpose);
    for (Int i = 0; i < view.elements(); ++i)
      view[i] = static_cast<float>(2 * source.uniform(static_cast<std::uint64_t>(i)) - 1);
    return *this;
  }
  View<const float> read() const { return {view.first, view.shape, view.strides}; }
};

double as_bfloat16_in_f64(float x) {
  return Bfloat16::value(Bfloat16::bits(x));
}

// The largest |y − Σ x·w| / Σ |x·w|; NaN where y has one.
double largest_error(const View<float>& x, const View<float>& w, const View<float>& y) {
  double largest = 0;
  for (Int i = 0; i < y.size(0); ++i)
    for (Int j = 0; j < y.size(1); ++j) {
      double sum = 0, size = 0;
      for (Int k = 0; k < x.size(1); ++k) {
        const double product = as_bfloat16_in_f64(x(i, k)) * as_bfloat16_in_f64(w(k, j));
        sum += product;
        size += std::abs(product);
      }
      const double error = std::abs(y(i, j) - sum) / size;
      if (std::isnan(error)) return error;
      largest = std::max(largest, error);
    }
  return largest;
}

struct Sizes {
  Int m, n, k;
};

}  // namespace

TEST_CASE(
    "products by tiles have the factors' bfloat16 and f32's sums, at every edge of a tile and a block") {
  if (!has_tiles()) {
    MESSAGE("skipped: this processor has no tile registers (AMX)");
    return;
  }
  const std::vector<Sizes> all{{1, 1, 1},     {16, 16, 32},   {17, 31, 33},  {33, 16, 1},     {50, 70, 100},
                               {300, 40, 40}, {40, 33, 1100}, {7, 9, 400},   {130, 17, 2100}, {530, 5, 64},
                               {1, 200, 96},  {200, 1, 3},    {16, 33, 4097}};
  for (const int count : {1, 2, 3})
    for (const bool transposed_x : {false, true})
      for (const bool transposed_w : {false, true})
        for (const Sizes& sizes : all) {
          const Int m = sizes.m, n = sizes.n, k = sizes.k;
          const WithThreads threads(count);
          Among x(m, k, transposed_x), w(k, n, transposed_w), y(m, n, false), again(m, n, false);
          x.random("x"), w.random("w");
          multiply_by_tiles(x.read(), w.read(), y.view);
          multiply_by_tiles(x.read(), w.read(), again.view);
          CAPTURE(count);
          CAPTURE(m);
          CAPTURE(n);
          CAPTURE(k);
          CAPTURE(transposed_x);
          CAPTURE(transposed_w);
          CHECK(largest_error(x.view, w.view, y.view) < 1e-6);
          std::size_t written = 0, differ = 0;
          for (std::size_t i = 0; i < y.memory.size(); ++i) {
            written += !std::isnan(y.memory[i]);
            differ += !std::isnan(y.memory[i]) && y.memory[i] != again.memory[i];
          }
          CHECK(written == static_cast<std::size_t>(m * n));
          CHECK(differ == 0);
        }
}

TEST_CASE("products by tiles pass on what is not finite") {
  if (!has_tiles()) return;
  for (const float value :
       {not_a_number, std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity()}) {
    Among x(20, 40, false), w(40, 20, false), y(20, 20, false);
    x.random("x"), w.random("w");
    x.view(18, 37) = value;
    multiply_by_tiles(x.read(), w.read(), y.view);
    for (Int j = 0; j < 20; ++j) {
      CHECK(std::isfinite(y.view(17, j)));
      if (std::isnan(value))
        CHECK(std::isnan(y.view(18, j)));
      else
        CHECK(y.view(18, j) == (w.view(37, j) > 0 ? value : -value));
    }
  }
}
