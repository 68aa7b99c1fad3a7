#include <doctest/doctest.h>

#include <cmath>
#include <numeric>

#include "autograd/strided.h"
#include "ops/unary/unary.h"
#include "tensor/gpu/clock.h"
#include "tensor/gpu/gpu.h"
#include "train/optimizer.h"

using namespace sonograd;
using Values = std::vector<double>;

TEST_CASE("tensors go to the gpu and come back, of both types and any layout") {
  const Values values{1, 2, 3, 4, 5, 6};
  for (const DType dtype : {DType::f32, DType::f64}) {
    const Tensor host = Tensor::of({2, 3}, values, dtype);
    const Tensor there = host.to(Device::gpu);
    CHECK(there.device() == Device::gpu);
    CHECK(there.to(Device::cpu).values() == values);
    CHECK(there.to(Device::reference).device() == Device::reference);
    CHECK(there.values() == values);
    CHECK(there.at(4) == 5);
    CHECK(there.slice(1, 1, 2).values() == Values{2, 5});
    CHECK(with_gaps(host).to(Device::gpu).values() == values);
    CHECK(with_gaps(there).values() == values);
    CHECK(axes_reversed(there).to(Device::cpu).values() == values);
    CHECK(there.to(dtype == DType::f32 ? DType::f64 : DType::f32).values() == values);
    CHECK(Tensor::of({2, 3}, values, dtype, Device::gpu).values() == values);
  }
}

TEST_CASE("the norm of gradients on the gpu is summed in f64") {
  const Tensor small =
                   Tensor::filled({3, 4}, 1e-25, DType::f32, Device::gpu),  // whose squares f32 does not know
      large = Tensor::filled({5}, 1e25, DType::f32, Device::gpu);
  CHECK(global_norm({small}) == doctest::Approx(std::sqrt(12) * 1e-25).epsilon(1e-6));
  CHECK(global_norm({large, small}) == doctest::Approx(std::sqrt(5) * 1e25).epsilon(1e-6));
  const Tensor many = Tensor::filled({3, 70001}, 0.1, DType::f32, Device::gpu);
  CHECK(global_norm({many}) == doctest::Approx(global_norm({many.to(Device::cpu)})).epsilon(1e-12));
  CHECK(global_norm({many.slice(1, 0, 2)}) == doctest::Approx(std::sqrt(6) * 0.1F).epsilon(1e-7));
}

TEST_CASE("parts of a tensor on the gpu are filled and assigned to, from the host too") {
  Tensor x = Tensor::zeros({2, 3}, DType::f32, Device::gpu);
  Tensor column = x.slice(1, 1, 2);
  column.fill(7);
  CHECK(x.values() == Values{0, 7, 0, 0, 7, 0});
  column.assign(Tensor::of({2, 1}, {1, 2}, DType::f64));
  CHECK(x.values() == Values{0, 1, 0, 0, 2, 0});
  Tensor host = Tensor::zeros({2, 3});
  Tensor last = host.slice(1, 2, 3);
  last.assign(x.slice(1, 1, 2));
  CHECK(host.values() == Values{0, 0, 1, 0, 0, 2});
  CHECK(Tensor::zeros({0, 3}, DType::f32, Device::gpu).copy().values().empty());
  CHECK(Tensor::filled({}, 2.5, DType::f32, Device::gpu).item() == 2.5);
}

TEST_CASE("what is copied in fours on the gpu, or may not be, arrives") {
  Values values(3 * 5 * 12);
  std::iota(values.begin(), values.end(), 0);
  for (const Int channels : {12, 10}) {
    const Tensor host = Tensor::of({180 / channels, channels}, values), there = host.to(Device::gpu);
    // columns that begin and end on a four, that begin off one, that end off one
    for (const auto& columns : {std::pair<Int, Int>{0, 8}, {4, 8}, {1, 9}, {4, 7}}) {
      const Int begin = columns.first, end = columns.second;
      CAPTURE(begin);
      CHECK(there.slice(1, begin, end).copy().values() == host.slice(1, begin, end).values());
      Tensor from = Tensor::zeros({180 / channels, channels}, DType::f32, Device::gpu),
             part = from.slice(1, begin, end);
      part.assign(there.slice(1, 0, end - begin));
      CHECK(from.slice(1, begin, end).values() == host.slice(1, 0, end - begin).values());
    }
    CHECK(there.slice(0, 1, 2).slice(1, 0, 4).copy().values() == host.slice(0, 1, 2).slice(1, 0, 4).values());
  }
}

TEST_CASE("host code gets no pointer to what is on the gpu, nor a kernel one to what is not") {
  Tensor there = Tensor::zeros({2, 3}, DType::f32, Device::gpu), here = Tensor::zeros({2, 3});
  const char* const on_gpu =
      "the elements of the tensor [2,3] are on the gpu; copy them with to(Device::cpu) first";
  CHECK_THROWS_WITH_AS(there.data<float>(), on_gpu, Error);
  CHECK_THROWS_WITH_AS(there.mutable_data<float>(), on_gpu, Error);
  CHECK_THROWS_WITH_AS(here.gpu_data<float>(),
                       "the tensor [2,3] is not on the gpu; move it there with to(Device::gpu)", Error);
}

TEST_CASE("an op without a gpu kernel, or in f64, is refused there by name") {
  const Tensor x = Tensor::zeros({2, 3}, DType::f64, Device::gpu);
  CHECK_THROWS_WITH_AS(relu(x), "relu: the gpu computes in f32, the inputs are f64; x [2,3]", Error);
}

TEST_CASE("memory of the gpu is counted and used again") {
  const Int before = gpu::live_bytes();
  gpu::reset_peak();
  {
    const Tensor a = Tensor::zeros({1000}, DType::f32, Device::gpu);
    CHECK(gpu::live_bytes() == before + 4096);
    const Tensor b = a.copy();
    CHECK(gpu::live_bytes() == before + 8192);
  }
  CHECK(gpu::live_bytes() == before);
  CHECK(gpu::peak_bytes() == before + 8192);
}

TEST_CASE("a clock tells the stretches of work on the gpu apart, and leaves out what lies between them") {
  const Tensor little = Tensor::filled({16}, 1, DType::f32, Device::gpu),
               much = Tensor::filled({1 << 20}, 1, DType::f32, Device::gpu);
  gelu(little);  // a kernel is loaded when it is first called
  gpu::Clock clock;
  const auto time = [&](const Tensor& x, int runs) {
    clock.start();
    for (int i = 0; i < runs; ++i) gelu(x);
    clock.stop();
    gelu(much);
  };
  time(little, 1), time(much, 20), time(little, 1);
  const std::vector<double> seconds = clock.seconds();
  REQUIRE(seconds.size() == 3);
  CHECK(seconds[0] > 0);
  CHECK(seconds[1] > 3 * seconds[0]);
  CHECK(seconds[1] > 3 * seconds[2]);
}
