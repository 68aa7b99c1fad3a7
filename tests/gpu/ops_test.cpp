#include <doctest/doctest.h>

#include <cmath>

#include "ops/batch_norm/batch_norm.h"
#include "ops/unary/unary.h"
#include "tests/expect_ok.h"

using namespace sonograd;

TEST_CASE("each op's gpu kernel gives the values and gradients of the reference on every sample") {
  for (const auto& entry : registry().ops()) {
    const OpEntry& op = entry.second;
    CAPTURE(op.name);
    if (op.kernels.count(Device::gpu) == 0) continue;
    expect_ok(check_op_on(Device::gpu, op));
  }
}

TEST_CASE("each op but a view has a gpu kernel") {
  for (const auto& entry : registry().ops()) {
    CAPTURE(entry.first);
    const bool there = entry.second.kernels.count(Device::gpu) > 0;
    CHECK(there == !entry.second.is_view);
  }
}

TEST_CASE("the statistics of a batch norm pass not-a-number on, and no other channel's") {
  const Tensor x = Tensor::of({4, 2}, {1, 1, NAN, 2, 3, 3, 4, 4}).to(Device::gpu),
               one = Tensor::filled({2}, 1, DType::f32, Device::gpu);
  for (const Activation activation : {Activation::none, Activation::swish}) {
    const Normalised norm = batch_norm_train(x, one, one, {.activation = activation});
    for (const Tensor& statistic : {norm.mean, norm.variance}) {
      CHECK(std::isnan(statistic.at(0)));
      CHECK(std::isfinite(statistic.at(1)));
    }
    const std::vector<double> y = norm.y.values();
    for (std::size_t i = 0; i < y.size(); ++i) CHECK(std::isnan(y[i]) == (i % 2 == 0));
  }
}

// Which on a card have other code than on the CPU (base/math.h). Beyond 85 the quotients leave f32's normal
// range.
TEST_CASE("exponentials and their quotients are within a few ulp") {
  std::vector<double> at;
  for (int i = -5440; i <= 5440; ++i) at.push_back(i / 64.0);
  const Tensor x = Tensor::of({static_cast<Int>(at.size())}, at).to(Device::gpu);
  const auto furthest = [&](const Tensor& y, double (*exact)(double)) {
    const std::vector<double> found = y.values();
    double ulp = 0;
    for (std::size_t i = 0; i < at.size(); ++i)
      if (const double expected = exact(at[i]); expected != 0)
        ulp = std::max(ulp, std::abs(found[i] / expected - 1) / 0x1p-23);
    return ulp;
  };
  CHECK(furthest(sigmoid(x), [](double v) { return 1 / (1 + std::exp(-v)); }) < 6);
  CHECK(furthest(swish(x), [](double v) { return v / (1 + std::exp(-v)); }) < 6);
  CHECK(furthest(tanh(x), [](double v) { return std::tanh(v); }) < 6);
}
