#include <doctest/doctest.h>

#include <cmath>

#include "autograd/tape.h"
#include "ops/batch_norm/frozen.h"
#include "tests/with_threads.h"

using namespace sonograd;

namespace {
Tensor tensor(const Shape& shape, std::uint64_t seed, double low, double high) {
  const Random random(seed);
  std::vector<double> values;
  for (Int i = 0; i < shape.elements(); ++i)
    values.push_back(low + (high - low) * random.uniform(static_cast<std::uint64_t>(i)));
  return Tensor::of(shape, values);
}
}  // namespace

TEST_CASE("batch statistics keep their digits when the mean is large against the deviation") {
  // Every channel holds offset ± 1 in equal numbers: mean = offset and variance = 1, exactly. The first half
  // of the rows is far from the second in the second channel.
  std::vector<double> values;
  for (int r = 0; r < 4000; ++r) {
    values.push_back(4096 + (r % 2 == 0 ? 1 : -1));
    values.push_back(r < 2000 ? 0.0 : 2.0);
    values.push_back(r % 2 == 0 ? 1 : -1);
  }
  const Tensor x = Tensor::of({4000, 3}, values), one = Tensor::filled({3}, 1), zero = Tensor::zeros({3});
  const Normalised result = batch_norm_train(x, one, zero, {.epsilon = 1e-6});
  CHECK(result.mean.values() == std::vector<double>{4096, 1, 0});
  for (Int c = 0; c < 3; ++c) CHECK(result.variance.at(c) == doctest::Approx(1).epsilon(1e-6));
  CHECK(result.y.at(0) == doctest::Approx(1).epsilon(1e-6));
}

TEST_CASE("frozen with the batch's own statistics is the training mode") {
  const Tensor x = tensor({2, 9, 8, 24}, 1, -2, 3), gamma = tensor({24}, 2, 0.5, 1.5),
               beta = tensor({24}, 3, -1, 1);
  for (const Activation a : {Activation::none, Activation::relu, Activation::sigmoid, Activation::swish}) {
    const Normalised train = batch_norm_train(x, gamma, beta, {.activation = a});
    const Tensor frozen = batch_norm_frozen(x, gamma, beta, train.mean, train.variance, {.activation = a});
    CHECK(frozen.values() == train.y.values());
  }
}

TEST_CASE("batch norm and its gradient repeat bit for bit") {
  const Tensor x = tensor({4, 23, 21, 40}, 4, -1, 1), dy = tensor(x.shape(), 5, -1, 1),
               gamma = tensor({40}, 6, 0.5, 1.5), beta = tensor({40}, 7, -1, 1);
  const auto run = [&] {
    const BatchNormTrain op{.activation = Activation::swish};
    const Normalised f = batch_norm_train(x, gamma, beta, op);
    Tensors all =
        apply_all(BatchNormTrainGrad{op.epsilon, op.activation}, {x, gamma, beta, f.mean, f.variance, dy});
    all.insert(all.end(), {f.y, f.mean, f.variance});
    return all;
  };
  const Tensors first = run(), second = run();
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(first[i].values() == second[i].values());
}

TEST_CASE("fewer rows than threads") {
  const WithThreads four(4);
  const Tensor x = tensor({1, 65536}, 4, -1, 1), one = Tensor::filled({65536}, 1),
               zero = Tensor::zeros({65536});
  const Normalised result = batch_norm_train(x, one, zero, {});
  for (Int c = 0; c < 65536; c += 4099) {
    CHECK(result.mean.at(c) == x.at(c));
    CHECK(std::isfinite(result.y.at(c)));
  }
}

TEST_CASE("a frozen norm without an activation keeps x for backward only where its parameters train") {
  const auto kept = [](Activation activation, bool gamma_trains) {
    Tensor leaf = tensor({2, 3, 3, 4}, 1, -1, 1), gamma = Tensor::filled({4}, 1.5);
    const Tensor one = Tensor::filled({4}, 1), zero = Tensor::zeros({4});
    Tape tape;
    tape.watch(leaf);
    if (gamma_trains) tape.watch(gamma);
    const Tensor x = add(leaf, leaf);
    const Tensor y = batch_norm_frozen(x, gamma, zero, zero, one, {.activation = activation});
    return x.storage().use_count() > 1;
  };
  CHECK_FALSE(kept(Activation::none, false));
  CHECK(kept(Activation::none, true));
  CHECK(kept(Activation::swish, false));
}
