// Which elements the loops of our kernels take.
#include "tensor/gpu/launch_rows.h"

#include <doctest/doctest.h>

using namespace sonograd;

namespace {

Tensor on_gpu(Int n, double value) {
  return Tensor::filled({n}, value, DType::f32, Device::gpu);
}

// Rounds of a kernel take 4 elements of 256 threads in 16 blocks at most on the stand-in.
constexpr Int sizes[] = {1, 255, 1024, 1025, 16384, 16385, 3 * 16384 + 5};

template <class Value>
void check_read_ahead(Int n) {
  CAPTURE(n);
  Tensor counts = on_gpu(n, 0), outside = on_gpu(1, 0);
  float *const count = counts.mutable_gpu_data<float>(), *const past = outside.mutable_gpu_data<float>();
  gpu::for_each(
      n,
      [=](Int i) {
        if (i < 0 || i >= n) *past = 1;
        return Value{static_cast<float>(i % 1000)};
      },
      [=](Int i, const Value& value) { count[i] += value.first == static_cast<float>(i % 1000) ? 1 : 100; });
  CHECK(outside.item() == 0);
  CHECK(counts.values() == std::vector<double>(static_cast<std::size_t>(n), 1));
}

struct Small {
  float first;
};
struct Middle {
  float first, rest[7] = {};
};
struct Large {
  float first, rest[11] = {};
};

}  // namespace

TEST_CASE(
    "a kernel that reads ahead writes each element once, by what it read, and reads none past the end") {
  for (const Int n : sizes) {
    check_read_ahead<Small>(n);
    check_read_ahead<Middle>(n);
    check_read_ahead<Large>(n);
  }
}

TEST_CASE("the lanes of a row take each of its elements once, and sum them") {
  for (const Int columns : {1, 7, 8, 9, 197, 1024, 2047, 2048, 2049, 5000})
    for (const Int rows : {1, 3, 300}) {
      CAPTURE(columns);
      CAPTURE(rows);
      Tensor counts = on_gpu(rows * columns, 0), sums = on_gpu(rows, 0);
      float *const count = counts.mutable_gpu_data<float>(), *const sum = sums.mutable_gpu_data<float>();
      gpu::for_each_row(rows, columns, [=](Int r, auto row) {
        const auto one = row.keep([=](auto at) { return static_cast<float>(at.column % 3); });
        row.each([&](auto at) {
          count[r * columns + at.column] = one(at) == static_cast<float>(at.column % 3) ? 1 : 100;
        });
        const float all = row.sum(one);
        if (row.lane == 0) sum[r] = all;
      });
      CHECK(counts.values() == std::vector<double>(static_cast<std::size_t>(rows * columns), 1));
      const Int thirds = columns / 3, rest = columns % 3;
      CHECK(sums.values() == std::vector<double>(static_cast<std::size_t>(rows), thirds * 3.0 + (rest == 2)));
    }
}
