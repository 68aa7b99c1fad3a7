// What a first run on a card is asked first: whether the libraries do what NVIDIA's documentation, from which
// this device was written, was understood to say. Each says what is wrong before larger tests fail for it.
// The numbers in brackets are those of tests/gpu_standin/README.md.
#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <functional>

#include "layers/batch_norm.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/conv2d/conv2d.h"
#include "ops/matmul/matmul.h"
#include "tensor/gpu/gpu.h"
#include "tensor/gpu/graph.h"
#include "tensor/gpu/policy.h"
#include "tests/error_of.h"

using namespace sonograd;

namespace {

struct WithPolicy {
  explicit WithPolicy(const gpu::Policy& policy) { gpu::policy() = policy; }
  ~WithPolicy() { gpu::policy() = {}; }
};

Tensor numbers(const Shape& shape, double scale, Int turn = 7) {
  std::vector<double> all;
  for (Int i = 0; i < shape.elements(); ++i) all.push_back(scale * static_cast<double>(i * turn % 13 - 6));
  return Tensor::of(shape, all);
}

// Of a product's 24 bits, TF32 keeps 11 of either factor: it reads a as 1. Where f32 is meant to be exact, so
// is a single term among zeros, in whatever order the sum is.
constexpr float a = 1.0F + 1.0F / 4096;
constexpr double squared = 1.0 + 1.0 / 2048;  // a·a, rounded to f32

// Products of one term each, which all are a·a.
Tensor by_matmul() {
  Tensor diagonal = Tensor::zeros({128, 128}), columns = Tensor::filled({128, 64}, a);
  for (Int i = 0; i < 128; ++i) diagonal.slice(0, i, i + 1).slice(1, i, i + 1).fill(a);
  return matmul(diagonal.to(Device::gpu), columns.to(Device::gpu));
}
// x, w and y as the direction reads them: w's middle tap is a·1, or one pixel of each image's x is a.
Tensor by_convolution(int direction) {
  constexpr Int size = 12, channels = 32;
  const Shape image{1, size, size, channels};
  Tensor w = Tensor::zeros({3, 3, channels, channels}), x = Tensor::zeros(image);
  for (Int c = 0; c < channels; ++c)
    w.slice(0, 1, 2).slice(1, 1, 2).slice(2, c, c + 1).slice(3, c, c + 1).fill(a);
  x.slice(1, 5, 6).slice(2, 5, 6).fill(a);
  const Tensor all = Tensor::filled(image, a, DType::f32, Device::gpu);
  if (direction == 0) return conv2d(all, w.to(Device::gpu));
  if (direction == 1) return apply(Conv2dGradX{{}, {size, size}}, w.to(Device::gpu), all);
  return apply(Conv2dGradW{{}, {3, 3}}, x.to(Device::gpu), all);
}

const std::vector<std::pair<const char*, std::function<Tensor()>>> products{
    {"matmul", by_matmul},
    {"conv2d", [] { return by_convolution(0); }},
    {"conv2d_grad_x", [] { return by_convolution(1); }},
    {"conv2d_grad_w", [] { return by_convolution(2); }}};

}  // namespace

TEST_CASE("products in f32 are exact to the last bit, and rounded where TF32 is asked for alone [10]") {
  const bool before_tf32 = gpu::description().find("compute capability 7.") != std::string::npos;
  for (const auto& product : products) {
    CAPTURE(product.first);
    for (const double value : product.second().values()) REQUIRE(value == squared);
    const WithPolicy tf32({.tf32 = true});
    double furthest = 0;
    for (const double value : product.second().values())
      furthest = std::max(furthest, std::abs(value - squared));
    CHECK(furthest < 2e-3);  // factors to 2^-11 each
    WARN_MESSAGE(furthest > 0, "TF32 was allowed, and this GPU " << (before_tf32 ? "has none" : "took none"));
  }
}

TEST_CASE("a filter of another height than width, from channels to others, is read in its order [2]") {
  const Conv2d conv{.stride = {2, 1}, .pad = {1, 0, 0, 2}};
  const Tensor x = numbers({2, 7, 9, 3}, 1), w = numbers({3, 2, 3, 5}, 1, 5);
  const Tensor dy = numbers(conv.shape(x.shape(), w.shape()), 1, 3);
  const auto on = [&](Device device) {
    return std::array{conv2d(x.to(device), w.to(device), conv).values(),
                      apply(Conv2dGradX{conv, {7, 9}}, w.to(device), dy.to(device)).values(),
                      apply(Conv2dGradW{conv, {3, 2}}, x.to(device), dy.to(device)).values()};
  };
  const auto ours = on(Device::gpu), theirs = on(Device::reference);
  for (const std::size_t direction : {0, 1, 2}) {
    CAPTURE(direction);
    CHECK((ours[direction] == theirs[direction]));  // small whole numbers: f32 is exact
  }
}

// Over 12 rows, so that n/(n - 1) shows. Bound: f32's rounding in a mean and a variance.
TEST_CASE("batch norms by cuDNN move the averages as our kernels do, and have their gradients [15]") {
  const Tensor x = numbers({3, 2, 2, 5}, 0.5).to(Device::gpu),
               dy = numbers({3, 2, 2, 5}, 1, 5).to(Device::gpu);
  for (const Keras keras : {Keras::v2, Keras::v3}) {
    std::array<std::vector<std::vector<double>>, 2> runs;
    for (const bool by_cudnn : {false, true}) {
      const WithPolicy policy({.cudnn_batch_norm = by_cudnn});
      BatchNorm norm = batch_norm(5, 0.75);
      norm.visit([](const std::string&, Parameter& p) {
        p.value = Tensor::filled(p.shape, 1, DType::f32, Device::gpu);
      });
      Context context{.training = true, .keras = keras};
      const Tensor y = norm(x, context);
      apply_updates(context.updates);
      const Normalised direct = batch_norm_train(x, norm.gamma.value, norm.beta.value);
      auto& run = runs[by_cudnn];
      run = {y.values(), norm.moving_mean.value.values(), norm.moving_variance.value.values()};
      for (const Tensor& gradient : apply_all(BatchNormTrainGrad{}, {x, norm.gamma.value, norm.beta.value,
                                                                     direct.mean, direct.variance, dy}))
        run.push_back(gradient.values());
    }
    for (std::size_t k = 0; k < runs[0].size(); ++k)
      for (std::size_t i = 0; i < runs[0][k].size(); ++i) {
        CAPTURE(k);
        CHECK(runs[1][k][i] == doctest::Approx(runs[0][k][i]).epsilon(1e-5).scale(1));
      }
  }
}

// The tanh form, which NVIDIA's epilogues have, is up to 4.7e-4 away.
TEST_CASE("GELU is the exact one, by itself and behind a bias [20]") {
  std::vector<double> at;
  for (int i = -40; i <= 40; ++i) at.push_back(i / 8.0);
  const Tensor x = Tensor::of({81, 1}, at).to(Device::gpu),
               bias = Tensor::zeros({1}, DType::f32, Device::gpu);
  const std::vector<double> alone = gelu(x).values(),
                            behind = bias_activation(x, bias, Activation::gelu).values();
  for (std::size_t i = 0; i < at.size(); ++i) {
    const double exact = at[i] * (1 + std::erf(at[i] / std::sqrt(2.0))) / 2;
    CHECK(std::abs(alone[i] - exact) < 2e-6);
    CHECK(std::abs(behind[i] - exact) < 2e-6);
  }
}

TEST_CASE("what ran once before is recorded as a graph, whose launches give its bits [24]") {
  const WithPolicy policy({.cudnn_batch_norm = true});
  const Tensor x = numbers({2, 6, 6, 3}, 0.3).to(Device::gpu),
               w = numbers({3, 3, 3, 4}, 0.1, 5).to(Device::gpu), v = numbers({4, 5}, 0.2, 3).to(Device::gpu),
               one = Tensor::filled({4}, 1, DType::f32, Device::gpu);
  const auto run = [&] { return matmul(batch_norm_train(conv2d(x, w), one, one).y, v); };
  const std::vector<double> right = run().values();
  gpu::Readout readout(static_cast<Int>(right.size()));
  gpu::Graph graph;
  graph.rehearse([&] { readout.copy(run()); });
  graph.record([&] { readout.copy(run()); });
  for (int launch = 0; launch < 2; ++launch) {
    graph.launch();
    gpu::synchronise();
    CHECK((std::vector<double>(readout.values<float>(), readout.values<float>() + right.size()) == right));
  }
}

namespace {

constexpr auto lost = "the gpu is lost to this process, start it again";

}  // namespace

// The next test's other process. Of two tensors of unlike shapes a copy writes where no memory is.
TEST_CASE("astray" * doctest::skip()) {
  const Tensor x = Tensor::zeros({2}, DType::f32, Device::gpu);
  Tensor y = Tensor::zeros({1}, DType::f64, Device::gpu).view(0, {1}, {Int{1} << 42});
  gpu::synchronise();
  const std::string first = error_of([&] { gpu::copy(x, y), gpu::synchronise(); }),
                    later = error_of([&] { gelu(x).values(); });
  std::printf("first: %s\nlater: %s\n", first.c_str(), later.c_str());
}

TEST_CASE("an illegal access ends the use of the gpu, of its own process alone, which says so [25]") {
  const std::string program = std::filesystem::read_symlink("/proc/self/exe").string();
  std::FILE* const child = ::popen(("'" + program + "' --test-case=astray --no-skip 2>&1").c_str(), "r");
  REQUIRE(child != nullptr);
  std::string said;
  for (std::array<char, 4096> line{}; std::fgets(line.data(), line.size(), child) != nullptr;)
    said += line.data();
  ::pclose(child);
  CAPTURE(said);
  for (const char* when : {"first: ", "later: "}) {
    const std::size_t begin = said.find(when), end = said.find('\n', begin);
    REQUIRE(begin != std::string::npos);
    CHECK(said.substr(begin, end - begin).find("(cudaErrorIllegalAddress); " + std::string(lost)) !=
          std::string::npos);
  }
  CHECK(gelu(Tensor::zeros({2}, DType::f32, Device::gpu)).values() == std::vector<double>{0, 0});
}
