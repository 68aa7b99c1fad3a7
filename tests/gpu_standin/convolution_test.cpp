// What our code makes of cuDNN's engines: policies, the chain of fallbacks, workspaces, filters and
// addresses. The numbers in brackets are those of README.md.
#include <doctest/doctest.h>

#include <algorithm>

#include "autograd/check_op.h"
#include "ops/conv2d/conv2d.h"
#include "ops/conv2d/convolution_plan.h"
#include "ops/conv2d/unserved.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/policy.h"
#include "tests/expect_ok.h"
#include "tests/gpu_standin/libraries.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

// Values that tf32 rounds.
Tensor values(const Shape& shape, double seed) {
  std::vector<double> all;
  for (Int i = 0; i < shape.elements(); ++i)
    all.push_back(static_cast<double>(static_cast<float>(std::sin(seed + 1.7 * static_cast<double>(i)))));
  return Tensor::of(shape, all);
}

// The convolution on the gpu, held against the reference; which engines ran.
std::vector<int> engines_of(const Tensor& x, const Tensor& w, double tolerance = 1e-5,
                            Precision precision = Precision::full) {
  cudnn_state().ran.clear();
  const Conv2d conv{.stride = {2, 2}, .precision = precision};
  const std::vector<double> got = conv2d(x.to(Device::gpu), w.to(Device::gpu), conv).values();
  const std::vector<double> right = conv2d(x.to(Device::reference), w.to(Device::reference), conv).values();
  for (std::size_t i = 0; i < got.size(); ++i)
    CHECK(got[i] == doctest::Approx(right[i]).epsilon(tolerance).scale(1));
  return cudnn_state().ran;
}

struct Restore {
  ~Restore() {
    gpu::policy() = {};
    cudnn_state().refusing.clear();
  }
};

}  // namespace

TEST_CASE("f32 takes the first engine that rounds nothing, keeps its order and is small [10, 12]") {
  CHECK(engines_of(values({2, 8, 8, 3}, 1), values({3, 3, 3, 5}, 2)) == std::vector<int>{1});
}

TEST_CASE("tf32, and sums in any order, are taken where they are asked for [10, 12]") {
  const Restore restore;
  const Tensor x = values({2, 8, 8, 3}, 1), w = values({3, 3, 3, 7}, 2);
  gpu::policy().tf32 = true;
  CHECK(engines_of(x, w, 1e-2) == std::vector<int>{9});
  gpu::policy() = {.deterministic = false};
  CHECK(engines_of(x, w, 1e-1) == std::vector<int>{7});
  gpu::policy() = {};  // each has a plan of its own
  CHECK(engines_of(x, w) == std::vector<int>{1});
}

TEST_CASE("factors rounded to 16 bits go through tensor cores, which lose nothing, and no transforms") {
  const Restore restore;
  const Tensor x = values({2, 8, 8, 3}, 1), w = values({3, 3, 3, 15}, 2);
  for (const Precision precision : {Precision::bf16, Precision::f16})
    CHECK(engines_of(x, w, 1e-5, precision) == std::vector<int>{5});
  cudnn_state().refusing = {{5, 3000}};
  CHECK(engines_of(x, w, 1e-5, Precision::f16) == std::vector<int>{1});
}

TEST_CASE("an engine that refuses gives way to the next, and the last to products of matrices") {
  const Restore restore;
  const Tensor x = values({2, 8, 8, 3}, 1), w = values({3, 3, 3, 9}, 2);
  cudnn_state().refusing = {{1, 3007}};
  CHECK(engines_of(x, w) == std::vector<int>{0});
  cudnn_state().refusing.clear();
  CHECK(engines_of(x, w) == std::vector<int>{0});  // what once failed is not tried again
  const auto noted = [] {
    const std::vector<std::string> all = convolution::unserved();
    return std::count(all.begin(), all.end(), "conv2d of x [2,8,8,3] and w [3,3,3,9], padded (0,1)×(0,1)");
  };
  CHECK(noted() == 0);
  cudnn_state().refusing = {{0, 4000}};
  CHECK(engines_of(x, w).empty());
  CHECK(engines_of(x, w).empty());
  CHECK(noted() == 1);
}

TEST_CASE("for the gradient of x engine 0, which is slow, gives way to products of matrices") {
  const Restore restore;
  const Conv2d conv{.stride = {2, 2}};
  const Tensor w = values({3, 3, 3, 21}, 2), dy = values({2, 4, 4, 21}, 3);
  const auto on = [&](Device device) {
    return apply(Conv2dGradX{conv, {8, 8}}, w.to(device), dy.to(device)).values();
  };
  const std::vector<double> right = on(Device::reference);
  const auto engines = [&] {
    cudnn_state().ran.clear();
    const std::vector<double> got = on(Device::gpu);
    for (std::size_t i = 0; i < got.size(); ++i)
      CHECK(got[i] == doctest::Approx(right[i]).epsilon(1e-5).scale(1));
    return cudnn_state().ran;
  };
  CHECK(engines() == std::vector<int>{1});
  cudnn_state().refusing = {{1, 3007}};
  CHECK(engines().empty());
}

TEST_CASE("a convolution with a tensor of 2^31 elements is not asked of cuDNN [14]") {
  const auto asked = [](const Shape& x, const Shape& w, const Conv2d& conv = {}) {
    return cudnn::Convolution{convolution::Direction::forward, conv, x, w}.within_limit();
  };
  CHECK(asked({1024, 64, 64, 511}, {3, 3, 511, 511}));
  CHECK_FALSE(asked({1024, 64, 64, 512}, {3, 3, 512, 1}));  // x
  CHECK_FALSE(asked({1024, 64, 64, 1}, {3, 3, 1, 512}));    // y
  CHECK(asked({1024, 64, 64, 1}, {3, 3, 1, 512}, {.stride = {2, 2}}));
  CHECK_FALSE(asked({1, 1, 1, 1 << 15}, {2, 1, 1 << 15, 1 << 15}));  // w
}

TEST_CASE("what no other engine would mend is thrown, with the convolution [25]") {
  const Restore restore;
  const Tensor x = values({2, 8, 8, 3}, 1).to(Device::gpu), w = values({3, 3, 3, 11}, 2).to(Device::gpu);
  for (const int status : {5000, 2003, 4003, 4004}) {
    cudnn_state().refusing = {{1, status}};
    CHECK(says(
        seen([&] { conv2d(x, w); }),
        fmt::format("conv2d (x [2,8,8,3], w [3,3,3,11]): cuDNN: cudnnBackendExecute of conv2d of x [2,8,8,3] "
                    "and w [3,3,3,11], padded (1,1)×(1,1): an error of the "
                    "stand-in ({})",
                    status)));
  }
}

TEST_CASE("a filter is turned once between two updates, and anew after one") {
  const Tensor x = values({2, 8, 8, 3}, 1).to(Device::gpu);
  Tensor w = values({3, 3, 3, 13}, 2).to(Device::gpu);
  conv2d(x, w);
  const std::size_t first = launches();
  const Tensor before = conv2d(x, w);
  CHECK(launches() == first + 1);  // the convolution alone
  w.fill(0.25);
  const std::size_t updated = launches();
  const Tensor after = conv2d(x, w);
  CHECK(launches() == updated + 2);
  CHECK(after.at(0) != before.at(0));
  for (int i = 0; i < 3; ++i)
    conv2d(x, values({3, 3, 3, 13}, i).to(Device::gpu));  // others in the same memory
  CHECK(conv2d(x, w).values() == after.values());
}

TEST_CASE("a turned filter goes with its weights, at the next convolution") {
  const Tensor x = values({2, 8, 8, 3}, 1).to(Device::gpu), w = values({3, 3, 3, 17}, 2).to(Device::gpu);
  conv2d(x, w);
  const Int before = gpu::live_bytes();
  conv2d(x, values({3, 3, 3, 17}, 3).to(Device::gpu));
  CHECK(gpu::live_bytes() > before);
  conv2d(x, w);  // whose own filter is there
  CHECK(gpu::live_bytes() == before);
}

TEST_CASE("addresses of another alignment have plans of their own") {
  const Tensor all = values({3, 5, 5, 3}, 1), w = values({3, 3, 3, 2}, 2).to(Device::gpu);
  const Tensor there = all.to(Device::gpu);  // the images begin 300 bytes from one another
  for (Int first : {0, 1, 2}) {
    const Tensor y = conv2d(there.slice(0, first, first + 1), w);
    const Tensor right =
        conv2d(all.slice(0, first, first + 1).to(Device::reference), w.to(Device::reference));
    for (Int i = 0; i < y.elements(); ++i)
      CHECK(y.at(i) == doctest::Approx(right.at(i)).epsilon(1e-5).scale(1));
  }
}

TEST_CASE("without cuDNN's engines every sample is computed by products of matrices") {
  const Restore restore;
  cudnn_state().refusing = {{1, 3000}, {0, 3000}};
  for (const char* name : {"conv2d", "conv2d_grad_x", "conv2d_grad_w"})
    expect_ok(check_op_on(Device::gpu, registry().at(name)));
}
