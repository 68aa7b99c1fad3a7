#include <doctest/doctest.h>

#include "autograd/tape.h"
#include "base/parallel.h"
#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/chain.h"
#include "layers/upsampled_conv.h"
#include "ops/attention/attention.h"
#include "ops/batch_norm/frozen.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/channel_scale/channel_scale.h"
#include "ops/dropout/dropout.h"
#include "ops/reduce/reduce.h"
#include "ops/upsample/upsample.h"
#include "tensor/pool.h"

using namespace sonograd;

namespace {

Tensor random_tensor(const Shape& shape, std::uint64_t seed, Device device) {
  const Random random(seed, "fused twins");
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(4 * random.uniform(static_cast<std::uint64_t>(i)) - 2);
  return Tensor::of(shape, values, DType::f32, device);
}

// Values and gradients of both ways to compute the same agree within a few roundings.
template <class F, class G>
void check_twins(const Tensors& inputs, F fused, G unfused) {
  const auto run = [&](auto f) {
    Tensors x = inputs;
    Tape tape;
    for (Tensor& t : x) tape.watch(t);
    const Tensor y = f(x);
    Tensors all = tape.gradient(y, x, {.cotangent = random_tensor(y.shape(), 99, y.device())});
    all.push_back(y);
    return all;
  };
  const Tensors one = run(fused), other = run(unfused);
  for (std::size_t k = 0; k < one.size(); ++k) {
    const std::vector<double> a = one[k].values(), b = other[k].values();
    double largest = 0, difference = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
      largest = std::max(largest, std::abs(b[i]));
      difference = std::max(difference, std::abs(a[i] - b[i]));
    }
    CAPTURE(k);
    CHECK(largest > 0);
    CHECK(difference <= 2e-6 * largest);
  }
}

}  // namespace

TEST_CASE("bias and activation in one op is the sum and the activation one after the other") {
  for (const Device device : {Device::reference, Device::cpu})
    for (const Activation f : {Activation::none, Activation::relu, Activation::leaky_relu,
                               Activation::sigmoid, Activation::tanh, Activation::swish, Activation::gelu}) {
      CAPTURE(name_of(f));
      check_twins(
          {random_tensor({2, 5, 7, 24}, 1, device), random_tensor({24}, 2, device)},
          [&](const Tensors& x) { return bias_activation(x[0], x[1], f); },
          [&](const Tensors& x) { return activate(add(x[0], x[1]), f); });
    }
}

TEST_CASE("channel_scale is a product with a broadcast factor") {
  for (const Device device : {Device::reference, Device::cpu})
    check_twins(
        {random_tensor({3, 5, 7, 24}, 1, device), random_tensor({3, 1, 1, 24}, 2, device)},
        [](const Tensors& x) { return channel_scale(x[0], x[1]); },
        [](const Tensors& x) { return multiply(x[0], x[1]); });
}

TEST_CASE("channel_dot is a product and a sum over the positions") {
  for (const Device device : {Device::reference, Device::cpu})
    check_twins(
        {random_tensor({3, 5, 7, 24}, 1, device), random_tensor({3, 5, 7, 24}, 2, device)},
        [](const Tensors& x) { return channel_dot(x[0], x[1]); },
        [](const Tensors& x) {
          return sum(multiply(x[0], x[1]), {1, 2}, true);
        });
}

TEST_CASE("residual_add is drop-connect and a sum") {
  const DropoutDraw draw{.rate = 0.4, .random = Random(5), .first_sample = 3, .noise = Noise::per_sample};
  for (const Device device : {Device::reference, Device::cpu})
    check_twins(
        {random_tensor({6, 5, 7, 24}, 1, device), random_tensor({6, 5, 7, 24}, 2, device)},
        [&](const Tensors& x) { return residual_add(x[0], x[1], draw); },
        [&](const Tensors& x) { return add(dropout(x[0], draw), x[1]); });
}

TEST_CASE("attention is two products around a softmax, of each head") {
  for (const Device device : {Device::reference, Device::cpu})
    for (const Int queries : {1, 50})
      check_twins(
          {random_tensor({2, queries, 24}, 1, device), random_tensor({2, 50, 24}, 2, device),
           random_tensor({2, 50, 24}, 3, device)},
          [](const Tensors& x) { return attention(x[0], x[1], x[2], 3); },
          [](const Tensors& x) {
            return join_heads(matmul(attention_probabilities(x[0], x[1], 3), split_heads(x[2], 3)));
          });
}

TEST_CASE("attention needs no memory for its probabilities") {
  const Int tokens = 600;  // of which one matrix of probabilities has 1.4 MB a head
  Tensors x;
  for (std::uint64_t seed = 1; seed <= 4; ++seed)
    x.push_back(random_tensor({1, tokens, 64}, seed, Device::cpu));
  const auto bytes_of = [&](auto f) {
    const Int before = pool::live_bytes();
    pool::reset_peak();
    f();
    return pool::peak_bytes() - before;
  };
  const Int results = tokens * 64 * 4, pieces = threads() * 65536 * 4;
  CHECK(bytes_of([&] { attention(x[0], x[1], x[2], 4); }) < results + pieces + 4096);
  CHECK(bytes_of([&] { apply_all(AttentionGrad{4}, x); }) < 3 * results + 2 * pieces + 4096);
}

TEST_CASE("a dropped element depends on its sample's number, not on the batch around it") {
  const Tensor x = Tensor::filled({5, 4099}, 1);
  const DropoutDraw draw{.rate = 0.3, .random = Random(1, "dropout").at(7), .first_sample = 10};
  DropoutDraw later = draw;
  later.first_sample = 12;
  const Tensor all = dropout(x, draw), tail = dropout(x.slice(0, 2, 5), later);
  CHECK(all.slice(0, 2, 5).values() == tail.values());
  CHECK(all.slice(0, 0, 1).values() != all.slice(0, 1, 2).values());
  const double mean_value = mean(all, {0, 1}).item();
  CHECK(mean_value == doctest::Approx(1).epsilon(0.02));
}

TEST_CASE("batch norm with its activation is batch norm and the activation one after the other") {
  for (const Device device : {Device::reference, Device::cpu})
    for (const Activation f : {Activation::relu, Activation::leaky_relu, Activation::sigmoid,
                               Activation::tanh, Activation::swish, Activation::gelu}) {
      CAPTURE(name_of(f));
      const Tensors inputs{random_tensor({3, 5, 7, 24}, 13, device), random_tensor({24}, 14, device),
                           random_tensor({24}, 15, device)};
      check_twins(
          inputs, [&](const Tensors& x) { return batch_norm_train(x[0], x[1], x[2], {.activation = f}).y; },
          [&](const Tensors& x) { return activate(batch_norm_train(x[0], x[1], x[2]).y, f); });
      Tensors with_statistics = inputs;
      with_statistics.push_back(random_tensor({24}, 16, device));
      with_statistics.push_back(Tensor::filled({24}, 0.7, DType::f32, device));
      check_twins(
          with_statistics,
          [&](const Tensors& x) {
            return batch_norm_frozen(x[0], x[1], x[2], x[3], x[4], {.activation = f});
          },
          [&](const Tensors& x) { return activate(batch_norm_frozen(x[0], x[1], x[2], x[3], x[4]), f); });
    }
}

TEST_CASE("an output takes its input's place where nothing else holds that and nothing is recorded") {
  const Tensor b = random_tensor({3}, 2, Device::cpu);
  const auto stays = [&](bool shared) {
    Tensor x = random_tensor({4, 3}, 1, Device::cpu);
    const float* const place = x.data<float>();
    const Tensor other = shared ? x : Tensor();
    return bias_activation(std::move(x), b, Activation::swish).data<float>() == place;
  };
  CHECK_FALSE(stays(false));  // a tape may ask for x
  const NoGrad quiet;
  CHECK(stays(false));
  CHECK_FALSE(stays(true));
}

TEST_CASE("a fused norm and activation without names add nothing to the path and show nothing") {
  Chain chain;
  chain.add("", batch_norm(3)).add("", ActivationLayer{Activation::swish});
  chain.visit([](const std::string&, Parameter& p) {
    p.value = Tensor::empty(p.shape);
    initialise(p.value, p.init, Random(1));
  });
  std::vector<std::string> paths, shown;
  Context context;
  context.on_output = [&](const std::string& path, Tensor&) { shown.push_back(path); };
  const Observer observer([&](const Observation& seen) { paths.push_back(seen.layer); });
  run_named("block", chain, random_tensor({2, 2, 2, 3}, 1, Device::cpu), context);
  CHECK(paths == std::vector<std::string>(paths.size(), "block"));
  CHECK(shown == std::vector<std::string>{"block"});
}

TEST_CASE("a convolution folded onto the small map is upsampling and the convolution after it") {
  for (const Device device : {Device::reference, Device::cpu})
    for (const auto& [height, width] : {std::pair<Int, Int>{3, 4}, {1, 1}, {7, 2}}) {
      check_twins(
          {random_tensor({2, height, width, 5}, 21, device), random_tensor({3, 3, 5, 6}, 22, device)},
          [](const Tensors& x) { return upsampled_conv2d(x[0], x[1]); },
          [](const Tensors& x) { return conv2d(upsample(x[0]), x[1]); });
    }
}

TEST_CASE("an upsampled convolution's layer computes both ways, with bias and activation") {
  UpsampledConv layer{conv({.in = 3, .out = 4, .kernel = 3, .bias = true, .activation = Activation::relu})};
  layer.conv.kernel.value = random_tensor({3, 3, 3, 4}, 23, Device::cpu);
  layer.conv.bias->value = random_tensor({4}, 24, Device::cpu);
  check_twins(
      {random_tensor({2, 3, 2, 3}, 25, Device::cpu)},
      [&](const Tensors& x) {
        Context fused;
        return layer(x[0], fused);
      },
      [&](const Tensors& x) {
        Context apart{.fuse = false};
        return layer(x[0], apart);
      });
  CHECK_THROWS_WITH_AS(
      upsampled_conv2d(Tensor::zeros({1, 2, 2, 3}), Tensor::zeros({5, 5, 3, 4})),
      "an upsampled convolution has x [n,h,w,in] and w [3,3,in,out], got [1,2,2,3] and [5,5,3,4]", Error);
}
