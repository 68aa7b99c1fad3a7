#include "autograd/tape.h"

#include <doctest/doctest.h>

#include "ops/binary/binary.h"
#include "tensor/pool.h"

using namespace sonograd;

namespace {
Tensor f64(const Shape& shape, const std::vector<double>& values) {
  return Tensor::of(shape, values, DType::f64, Device::reference);
}
}  // namespace

TEST_CASE("gradient of a product with a broadcast factor") {
  Tensor x = f64({2, 2}, {1, 2, 3, 4}), y = f64({2}, {10, 20});
  const auto [value, gradients] = value_and_gradient([&] { return sum_to(multiply(x, y), {}); }, {&x, &y});
  CHECK(value.item() == 160);
  CHECK(gradients[0].values() == std::vector<double>{10, 20, 10, 20});
  CHECK(gradients[1].values() == std::vector<double>{4, 6});
  CHECK(x.tape() == nullptr);
}

TEST_CASE("a tensor used twice gets the sum of both gradients, an unused one zeros") {
  Tensor x = f64({}, {3}), unused = f64({2}, {1, 1});
  const auto [value, gradients] = value_and_gradient([&] { return add(multiply(x, x), x); }, {&x, &unused});
  CHECK(gradients[0].item() == 7);
  CHECK(gradients[1].values() == std::vector<double>{0, 0});
}

TEST_CASE("a gradient can be differentiated") {
  Tensor x = f64({}, {3});
  Tape tape;
  tape.watch(x);
  const Tensor cube = multiply(x, multiply(x, x));
  const Tensor first = tape.gradient(cube, {x}, {.record = true})[0];
  const Tensor second = tape.gradient(first, {x})[0];
  CHECK(first.item() == 27);
  CHECK(second.item() == 18);
}

TEST_CASE("outputs given to an op are written where they are what it would make, else refused") {
  const OpEntry& add = registry().at("add");
  const Tensor x = f64({2}, {1, 2}), into = f64({2}, {0, 0});
  CHECK(apply_any(add.plain, add, {x, x}, {into})[0].storage() == into.storage());
  CHECK(into.values() == std::vector<double>{2, 4});
  for (const Tensors& wrong :
       {Tensors{f64({3}, {0, 0, 0})}, Tensors{into, into}, Tensors{into.without_data()},
        Tensors{into.to(DType::f32)}, Tensors{into.to(Device::cpu)}})
    CHECK_THROWS_WITH(
        apply_any(add.plain, add, {x, x}, wrong),
        "add: the outputs given are not of the number, shapes, type and device of its own; x [2], y [2]");
}

TEST_CASE("an op is written over an input that has its output's shape and that nothing else holds") {
  const NoGrad quiet;
  const auto over = [](const Shape& shape) {
    Tensor x = Tensor::of(shape, {1, 2});
    const Storage* const held = x.storage().get();
    const Tensor y = apply_over(Add{}, std::move(x), Tensor::of({2, 2}, {1, 2, 3, 4}));
    return std::pair(y.values(), y.storage().get() == held);
  };
  CHECK(over({2}) == std::pair(std::vector<double>{2, 4, 4, 6}, false));
  CHECK(over({2, 1}) == std::pair(std::vector<double>{2, 3, 5, 6}, false));
  Tensor x = Tensor::of({2}, {1, 2});
  const Storage* const held = x.storage().get();
  CHECK(apply_over(Add{}, std::move(x), Tensor::of({2}, {1, 2})).storage().get() == held);
}

TEST_CASE("outputs given to a kernel of dense tensors must be dense") {
  const OpEntry& dropout = registry().at("dropout");
  const Tensor x = Tensor::of({2, 2}, {1, 2, 3, 4}), into = Tensor::zeros({2, 2});
  CHECK(apply_any(dropout.plain, dropout, {x}, {into})[0].values() == x.values());
  CHECK_THROWS_WITH(apply_any(dropout.plain, dropout, {x}, {into.view(0, {2, 2}, {1, 2})}),
                    "dropout: the outputs given must be dense for its kernel on cpu; x [2,2]");
}

TEST_CASE("what a conversion returns is unknown to the tape, whether it copied or not") {
  Tensor x = f64({2, 2}, {1, 2, 3, 4});
  Tape tape;
  tape.watch(x);
  Tensor across = x.view(0, {2, 2}, {1, 2});
  tape.watch(across);
  for (const Tensor& y : {x, across})
    for (const Tensor& made : {y.as_dense(), y.to(DType::f64), y.to(DType::f32), y.to(Device::reference),
                               y.to(Device::cpu), y.copy()})
      CHECK(made.tape() == nullptr);
}

TEST_CASE("no-grad and detach keep ops off the tape") {
  Tensor x = f64({}, {3});
  Tape tape;
  tape.watch(x);
  {
    const NoGrad quiet;
    multiply(x, x);
  }
  multiply(x.detach(), x.detach());
  CHECK(tape.recorded() == 0);
  multiply(x, x.detach());
  CHECK(tape.recorded() == 1);
}

TEST_CASE("writing over a value that backward needs is an error, never a wrong gradient") {
  Tensor x = f64({2}, {1, 2}), y = f64({2}, {3, 4});
  Tape tape;
  tape.watch(x);
  const Tensor z = sum_to(multiply(x, y), {});
  y.fill(0);
  CHECK_THROWS_WITH_AS(tape.gradient(z, {x}), doctest::Contains("multiply: y [2] was written in place"),
                       Error);
}

TEST_CASE("using a watched value after it was written in place is an error") {
  Tensor x = f64({2}, {1, 2});
  Tape tape;
  tape.watch(x);
  x.fill(5);
  CHECK_THROWS_WITH_AS(multiply(x, x), doctest::Contains("was written in place after the tape recorded it"),
                       Error);
}

TEST_CASE("writing channels that no saved view covers is legal, as a dense block does") {
  Tensor buffer = Tensor::zeros({1, 2, 2, 4}, DType::f64, Device::reference);
  Tensor old_channels = buffer.slice(3, 0, 2), new_channels = buffer.slice(3, 2, 4);
  old_channels.fill(2);
  Tensor w = f64({2}, {1, 1});
  Tape tape;
  tape.watch(w);
  const Tensor y = sum_to(multiply(old_channels, w), {});
  new_channels.fill(7);
  CHECK(tape.gradient(y, {w}, {.keep = true})[0].values() == std::vector<double>{8, 8});
  buffer.slice(3, 1, 3).fill(9);
  CHECK_THROWS_AS(tape.gradient(y, {w}), Error);
}

TEST_CASE("backward lets saved values go as it passes them") {
  Tensor x = Tensor::filled({1000}, 2, DType::f64, Device::reference);
  Tape tape;
  tape.watch(x);
  Tensor y = x;
  for (int i = 0; i < 10; ++i) y = multiply(y, x);
  const Tensor loss = sum_to(y, {});
  y = Tensor();
  const Int before = pool::live_bytes();
  std::vector<Int> live;
  tape.gradient(loss, {x},
                {.on_gradient = [&](std::size_t, const Tensor&) { live.push_back(pool::live_bytes()); }});
  CHECK(before - pool::live_bytes() >= 9 * 8000);
  CHECK(live.size() == 1);
}

TEST_CASE("gradients are handed out as soon as they are complete, last layers first") {
  Tensor a = f64({}, {2}), b = f64({}, {3}), c = f64({}, {5});
  std::vector<std::size_t> order;
  value_and_gradient([&] { return multiply(multiply(a, b), c); }, {&a, &b, &c},
                     {.on_gradient = [&](std::size_t which, const Tensor&) { order.push_back(which); }});
  CHECK(order == std::vector<std::size_t>{2, 0, 1});
}

TEST_CASE("gradients of a value are summed in place, but never into what others hold") {
  Tensor x = f64({2}, {1, 2});
  Tape tape;
  tape.watch(x);
  const Tensor z = multiply(x, x.detach());
  const Tensor y = add(multiply(z, z), add(z, z));
  const Tensor seed = f64({2}, {1, 1});
  std::vector<bool> in_place;
  const Observer observer([&](const Observation& seen) {
    if (seen.backward && seen.op.name == "add")
      in_place.push_back(seen.outputs[0].storage() == seen.inputs[0].storage());
  });
  // add hands the seed itself on, twice; the sum of both is new, and takes the product's two gradients in.
  CHECK(tape.gradient(y, {x}, {.cotangent = seed})[0].values() == std::vector<double>{4, 20});
  CHECK(in_place == std::vector<bool>{false, true, true});
  CHECK(seed.values() == std::vector<double>{1, 1});
}

TEST_CASE("accumulate adds gradients") {
  Tensors total;
  accumulate(total, {f64({2}, {1, 2})});
  accumulate(total, {f64({2}, {10, 20})});
  CHECK(total[0].values() == std::vector<double>{11, 22});
}

TEST_CASE("an error names the layers, the op, the rule and the shapes") {
  const LayerScope block("block7a"), layer("project");
  const Tensor x = f64({2}, {1, 2}), y = f64({3}, {1, 2, 3});
  CHECK_THROWS_WITH_AS(
      add(x, y), "block7a.project: add: [2] and [3] do not broadcast: axis -1 has 2 against 3; x [2], y [3]",
      Error);
}

TEST_CASE("a tape that was used up gives an error, not zeros") {
  Tape tape;
  Tensor x = f64({}, {3});
  tape.watch(x);
  const Tensor y = multiply(x, x);
  CHECK(tape.gradient(y, {x}, {.keep = true})[0].item() == 6);
  CHECK(tape.gradient(y, {x})[0].item() == 6);
  CHECK_THROWS_WITH_AS(tape.gradient(y, {x}),
                       "the tape was used up by an earlier gradient; ask that one to keep it", Error);
}

TEST_CASE("a gradient that is refused does not use the tape up") {
  Tape tape;
  Tensor x = f64({2}, {3, 4}), other = f64({}, {1});
  tape.watch(x);
  const Tensor y = multiply(x, x);
  CHECK_THROWS_WITH_AS(tape.gradient(y, {x}, {.cotangent = f64({3}, {1, 1, 1})}),
                       "the cotangent [3] has not the shape of y [2]", Error);
  CHECK_THROWS_AS(tape.gradient(y, {other}, {.cotangent = f64({2}, {1, 1})}), Error);
  CHECK(tape.gradient(y, {x}, {.cotangent = f64({2}, {1, 1})})[0].values() == std::vector<double>{6, 8});
}

TEST_CASE("value_and_gradient inside another takes its tensors from the outer tape") {
  Tensor x = f64({}, {3}), y = f64({}, {5});
  const auto inner = [&] { return value_and_gradient([&] { return multiply(x, x); }, {&x}).first; };
  const auto [value, gradients] = value_and_gradient(
      [&] {
        Tensor before = multiply(x, y);
        inner();
        CHECK(x.tape() == nullptr);
        return before;
      },
      {&y});
  CHECK(gradients[0].item() == 3);
  CHECK_THROWS_WITH_AS(
      value_and_gradient([&] { return value_and_gradient([&] { return multiply(x, y); }, {&x}).first; },
                         {&y}),
      doctest::Contains("inputs are known to two tapes"), Error);
}
