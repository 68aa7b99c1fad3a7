#include "ops/append/append.h"

#include <doctest/doctest.h>

#include "autograd/tape.h"
#include "layers/conv.h"
#include "layers/dense_block.h"
#include "tensor/pool.h"

using namespace sonograd;

TEST_CASE("append leaves what lies in the buffer where it is and writes the new channels behind it") {
  Tensor buffer = Tensor::filled({1, 1, 2, 4}, -1);
  Tensor x = buffer.slice(3, 0, 2);
  x.fill(2);
  const std::uint64_t version = buffer.storage()->version();
  const Tensor y = append(x, Tensor::filled({1, 1, 2, 1}, 3), buffer);
  CHECK(y.storage() == buffer.storage());
  CHECK(y.values() == std::vector<double>{2, 2, 3, 2, 2, 3});
  CHECK(buffer.values() == std::vector<double>{2, 2, 3, -1, 2, 2, 3, -1});
  CHECK_FALSE(buffer.storage()->written_since(version, x.region()));
}

TEST_CASE("append copies into the buffer what lies elsewhere") {
  const Tensor buffer = Tensor::filled({2, 3}, -1), x = Tensor::of({2, 1}, {1, 2});
  const Tensor y = append(x, Tensor::of({2, 1}, {3, 4}), buffer);
  CHECK(y.storage() == buffer.storage());
  CHECK(y.values() == std::vector<double>{1, 3, 2, 4});
}

TEST_CASE("writing over channels that backward needs is an error, not a wrong gradient") {
  Tensor buffer = Tensor::zeros({2, 3}), w = Tensor::filled({2}, 5);
  Tape tape;
  tape.watch(w);
  const Tensor x = multiply(append(buffer.slice(1, 0, 1), Tensor::filled({2, 1}, 1), buffer), w);
  append(buffer.slice(1, 0, 1), Tensor::filled({2, 1}, 9), buffer);
  CHECK_THROWS_WITH_AS(tape.gradient(sum_to(x, {}), {w}), doctest::Contains("was written in place"), Error);
}

TEST_CASE("a dense block on a tape holds each channel once") {
  constexpr Int in = 16, growth = 4, layers = 24;
  DenseBlock block{{}, in + layers * growth};
  for (Int l = 0; l < layers; ++l) {
    Chain layer;
    layer.add("conv", conv({.in = in + l * growth, .out = growth}));
    block.children.push_back({fmt::format("layer{}", l), layer});
  }
  std::vector<Tensor*> kernels;
  block.visit([&](const std::string&, Parameter& p) {
    p.value = Tensor::filled(p.shape, 0.01);
    kernels.push_back(&p.value);
  });
  const Tensor x = Tensor::filled({2, 16, 16, in}, 1);
  Tape tape;
  for (Tensor* kernel : kernels) tape.watch(*kernel);
  const Int before = pool::live_bytes();
  Context context;
  const Tensor y = block(x, context);
  const Int bytes = y.elements() * 4;
  CHECK(pool::live_bytes() - before >= bytes);
  CHECK(pool::live_bytes() - before < 2 * bytes);
}
