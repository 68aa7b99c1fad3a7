#include <doctest/doctest.h>

#include <functional>

#include "ops/conv2d/convolution.h"
#include "ops/matmul/matmul.h"
#include "tensor/pool.h"

using namespace sonograd;

namespace {

double largest_difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = a.values(), y = b.values();
  REQUIRE(x.size() == y.size());
  double largest = 0;
  for (std::size_t i = 0; i < x.size(); ++i) largest = std::max(largest, std::abs(x[i] - y[i]));
  return largest;
}

// Bytes that f takes from the pool at its height, beyond the tensor that it returns.
Int extra_bytes(const std::function<Tensor()>& f) {
  const Int before = pool::live_bytes();
  pool::reset_peak();
  const Tensor y = f();
  return pool::peak_bytes() - before - y.storage()->bytes();
}

Tensor random(const Shape& shape, const char* purpose) {
  const Random source(7, purpose);
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(2 * source.uniform(static_cast<std::uint64_t>(i)) - 1);
  return Tensor::of(shape, values);
}

}  // namespace

TEST_CASE("no convolution of EfficientNetB3 reaches a reference kernel of the library") {
  using convolution::Direction;
  // Its 1x1 convolutions are products of matrices and its depthwise ones are kernels of ours: the stem is
  // left.
  const Conv2d stem{.stride = {2, 2}, .pad = {0, 1, 0, 1}};
  for (const Int batch : {1, 16})
    for (const Direction direction : {Direction::forward, Direction::grad_x, Direction::grad_w}) {
      const std::string kernel =
          convolution::kernel_name(direction, stem, {batch, 224, 224, 3}, {3, 3, 3, 40});
      CAPTURE(kernel);
      CHECK(kernel.find("ref") == std::string::npos);
      CHECK(!kernel.empty());
    }
}

TEST_CASE("the stem's pads are Keras' same for an even size") {
  const Tensor x = random({1, 12, 12, 3}, "x"), w = random({3, 3, 3, 8}, "w");
  const Tensor named = conv2d(x, w, {.stride = {2, 2}});
  const Tensor given = conv2d(x, w, {.stride = {2, 2}, .pad = {0, 1, 0, 1}});
  CHECK(named.shape() == Shape{1, 6, 6, 8});
  CHECK(named.values() == given.values());
}

TEST_CASE("heads of an attention layer are multiplied where they lie") {
  // q and k [batch, token, head, feature], read as [batch, head, token, feature]
  const Int batch = 2, tokens = 5, heads = 3, features = 4;
  const auto by_head = [&](const Tensor& x) {
    const Strides s = x.strides();
    return x.view(0, {batch, heads, tokens, features}, {s[0], s[2], s[1], s[3]});
  };
  const Tensor q = by_head(random({batch, tokens, heads, features}, "q"));
  const Tensor k = by_head(random({batch, tokens, heads, features}, "k"));
  CHECK(extra_bytes([&] { return matmul(q, k, {.transpose_w = true}); }) < 64);
  const Tensor in_place = matmul(q, k, {.transpose_w = true}),
               copied = matmul(q.copy(), k.copy(), {.transpose_w = true});
  CHECK(in_place.shape() == Shape{batch, heads, tokens, tokens});
  CHECK(largest_difference(in_place, copied) == 0);
  const Tensor reference = matmul(q.to(Device::reference), k.to(Device::reference), {.transpose_w = true});
  CHECK(largest_difference(in_place, reference) < 1e-6);
}

TEST_CASE("a channel slice is multiplied where it lies") {
  const Tensor buffer = random({2, 3, 3, 10}, "buffer"), w = random({1, 1, 4, 5}, "w");
  const Tensor slice = buffer.slice(3, 2, 6);
  CHECK(extra_bytes([&] { return conv2d(slice, w); }) < 64);
  CHECK(largest_difference(conv2d(slice, w), conv2d(slice.copy(), w)) == 0);
}
