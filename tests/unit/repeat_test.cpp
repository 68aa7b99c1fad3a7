#include <doctest/doctest.h>

#include <map>

#include "autograd/tape.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/depthwise_conv2d/depthwise_conv2d.h"
#include "ops/dropout/dropout.h"
#include "ops/reshape/reshape.h"
#include "ops/unary/unary.h"
#include "tensor/pool.h"

using namespace sonograd;

// What takes a pass over memory is made again by backward in place of being kept.

namespace {

Tensor f64(const Shape& shape, const std::vector<double>& values) {
  return Tensor::of(shape, values, DType::f64, Device::reference);
}

// How often backward runs each op while f does.
template <class F>
std::map<std::string, int> runs_in_backward(F f) {
  std::map<std::string, int> runs;
  const Observer observer([&](const Observation& seen) { runs[seen.op.name] += seen.backward; });
  f();
  return runs;
}

}  // namespace

TEST_CASE("the output of a cheap op is not kept, and made again once for all who read it") {
  constexpr Int n = 1000, bytes = n * 8;
  Tensor x = Tensor::filled({n}, 0.5, DType::f64, Device::reference), w = x.copy();
  Tape tape;
  tape.watch(x);
  tape.watch(w);
  const Int before = pool::live_bytes();
  Tensor loss;
  {
    const Tensor z = add(x, w),
                 y = square(z);  // 1: z is kept for square's gradient, y for none of its readers
    loss = sum_to(add(multiply(y, w), multiply(y, x)), {});
  }
  CHECK(pool::live_bytes() - before < 2 * bytes);
  Tensors gradients;
  CHECK(runs_in_backward([&] { gradients = tape.gradient(loss, {x, w}); })["square"] == 1);
  // (x + w)³ at x + w = 1
  for (const Tensor& g : gradients) CHECK(g.values() == std::vector<double>(n, 3));
}

TEST_CASE("a depthwise convolution is made again where its call asks for that, else kept") {
  constexpr Int side = 16, bytes = side * side * 8;
  for (const bool make_again : {true, false}) {
    CAPTURE(make_again);
    Tensor x = Tensor::filled({1, side, side, 1}, 0.5, DType::f64, Device::reference);
    Tensor w = Tensor::filled({3, 3, 1, 1}, 0.5, DType::f64, Device::reference);
    Tape tape;
    tape.watch(x);
    tape.watch(w);
    const Int before = pool::live_bytes();
    const Tensor loss = sum_to(square(depthwise_conv2d(x, w, {.make_again = make_again})), {});
    CHECK((pool::live_bytes() - before < bytes) == make_again);
    Tensors gradients;
    auto runs = runs_in_backward([&] { gradients = tape.gradient(loss, {x, w}); });
    CHECK(runs["depthwise_conv2d"] == (make_again ? 1 : 0));
  }
}

TEST_CASE("a chain of cheap ops and views is made again from what was kept at its start") {
  Tensor x = f64({2, 2}, {1, 2, 3, 4}), w = f64({4}, {1, 1, 1, 1});
  Tape tape;
  tape.watch(x);
  tape.watch(w);
  const DropoutDraw keeps_all{};
  const Tensor y = reshape(dropout(square(square(x)), keeps_all), {4});
  const Tensor loss = sum_to(multiply(y, w), {});
  for (const bool keep : {true, false}) {
    const Tensors gradients = tape.gradient(loss, {x, w}, {.keep = keep});
    CHECK(gradients[0].values() == std::vector<double>{4, 32, 108, 256});
    CHECK(gradients[1].values() == std::vector<double>{1, 16, 81, 256});
  }
}

TEST_CASE("what was made again can be differentiated a second time") {
  Tensor x = f64({}, {3});
  Tape tape;
  tape.watch(x);
  const Tensor fifth = multiply(square(square(x)), x);
  const Tensor first = tape.gradient(fifth, {x}, {.record = true})[0];
  const Tensor second = tape.gradient(first, {x})[0];
  CHECK(first.item() == 5 * 81);
  CHECK(second.item() == 20 * 27);
}

TEST_CASE("an output that may be written over: its gradient is right, or refused where its inputs were") {
  Tensor x = f64({2}, {1, 2}), w = f64({2}, {3, 4});
  Tape tape;
  tape.watch(w);
  Tensor z = multiply(x, w), y = square(z);
  const Tensor loss = sum_to(multiply(y, w), {});
  y.fill(0);
  CHECK(tape.gradient(loss, {w}, {.keep = true})[0].values() == std::vector<double>{27, 192});
  z.fill(0);
  CHECK_THROWS_WITH_AS(tape.gradient(loss, {w}), doctest::Contains("square: x [2] was written in place"),
                       Error);
}

TEST_CASE("a norm is made again by the statistics that it had") {
  Tensor x = f64({4, 1}, {1, 2, 3, 6}), gamma = f64({1}, {2}), beta = f64({1}, {1});
  Tensor w = f64({4, 1}, {1, -1, 1, 1});
  const auto f = [&] { return sum_to(multiply(batch_norm_train(x, gamma, beta).y, w), {}); };
  Tensors gradients;
  auto runs = runs_in_backward([&] { gradients = value_and_gradient(f, {&w, &x, &gamma, &beta}).second; });
  CHECK(runs["batch_norm_train"] == 0);
  CHECK(runs["batch_norm_frozen"] == 1);
  CHECK(gradients[0].values() == batch_norm_train(x, gamma, beta).y.values());
}
