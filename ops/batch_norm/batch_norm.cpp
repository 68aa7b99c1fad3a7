#include "ops/batch_norm/frozen.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

using enum Activation;

// What an op reads, by channel: γ, β around 1 and 0; means and positive variances.
Input gamma(Int channels) {
  return uniform({channels}, 0.5, 1.5);
}
Input beta(Int channels) {
  return uniform({channels}, -0.3, 0.3);
}
Input mean(Int channels) {
  return uniform({channels}, -0.5, 0.5);
}
Input variance(Int channels) {
  return uniform({channels}, 0.5, 2);
}

std::vector<Sample> train_samples() {
  const auto of = [](const std::string& text, BatchNormTrain op, Input x) {
    const Int c = x.shape[-1];
    return sample("batch_norm_train: " + text, op, {std::move(x), gamma(c), beta(c)});
  };
  const auto value_of = [](const std::string& text, BatchNormTrain op, Input x) {
    const Int c = x.shape[-1];
    return values_only("batch_norm_train: " + text, op, {std::move(x), gamma(c), beta(c)});
  };
  std::vector<Sample> all{of("image", {}, uniform({2, 3, 5, 4})),
                          of("rows", {.epsilon = 1.001e-5}, uniform({6, 3})),
                          of("swish", {.activation = swish}, uniform({2, 3, 3, 5})),
                          of("sigmoid", {.activation = sigmoid}, uniform({2, 3, 3, 2})),
                          of("far from zero", {}, uniform({2, 4, 4, 3}, 9.5, 10.5)),
                          of("one channel", {.activation = swish}, uniform({7, 1})),
                          value_of("relu", {.activation = relu}, uniform({2, 3, 3, 5})),
                          value_of("one row", {}, uniform({1, 3})),
                          value_of("equal values", {.activation = swish}, uniform({4, 2, 3}, 2, 2)),
                          value_of("special values", {}, special_values({5, 4})),
                          value_of("blocks and pieces", {.activation = swish}, uniform({2, 41, 40, 24})),
                          value_of("wide", {.activation = swish}, uniform({19, 1031}))};
  return all;
}

template <class O>
std::vector<Sample> frozen_samples(bool with_dy, bool gradient) {
  const auto of = [&](const std::string& text, O op, Input x, bool smooth = true) {
    const Int c = x.shape[-1];
    std::vector<Input> inputs{x, gamma(c), beta(c), mean(c), variance(c)};
    if (with_dy) inputs.push_back(uniform(x.shape));
    Sample s = sample(fmt::format("{}: {}", O::name, text), op, std::move(inputs));
    s.gradient = gradient && smooth;
    return s;
  };
  return {of("image", O{}, uniform({2, 3, 5, 4})),
          of("rows", O{.epsilon = 1.001e-5}, uniform({6, 3})),
          of("swish", O{.activation = swish}, uniform({2, 3, 3, 5})),
          of("sigmoid", O{.activation = sigmoid}, uniform({2, 3, 3, 2})),
          of("one element", O{.activation = swish}, uniform({1, 1})),
          of("relu", O{.activation = relu}, uniform({2, 3, 3, 5}), false),
          of("special values", O{.activation = swish}, special_values({5, 4}), false),
          of("blocks and pieces", O{.activation = swish}, uniform({2, 41, 40, 24}), false)};
}

template <class O>
std::vector<BadSample> refusals(bool with_statistics, bool with_dy) {
  const auto shapes = [&](Shape x, Shape gamma, Shape dy) {
    Shapes all{x, gamma, {4}};
    if (with_statistics) all.insert(all.end(), {{4}, {4}});
    if (with_dy) all.push_back(dy);
    return all;
  };
  std::vector<BadSample> all{refused(O{}, shapes({2, 4}, {5}, {2, 4}),
                                     "gamma [5] does not hold one value for each of the 4 channels of x"),
                             refused(O{}, shapes({}, {4}, {}), "x [] has no channels")};
  if (with_dy) all.push_back(refused(O{}, shapes({2, 4}, {4}, {3, 4}), "dy [3,4] and x [2,4] differ"));
  return all;
}

}  // namespace

Tensor BatchNormTrain::again(const Vjp& at) const {
  return apply(BatchNormFrozen{epsilon, activation}, at.x(0), at.x(1), at.x(2), at.y(1), at.y(2));
}

void register_batch_norm(Registry& registry) {
  registry.add<BatchNormTrain>(
      {.equation = "y[r,c] = a(gamma[c] * (x[r,c] - mean[c]) / sqrt(variance[c] + epsilon) + "
                   "beta[c]), mean and variance of x over r",
       .good = train_samples(),
       .bad = refusals<BatchNormTrain>(false, false)});
  registry.add<BatchNormTrainGrad>(
      {.equation = "dz = a'(z) * dy; dbeta = sum dz; dgamma = sum dz * xhat; dx = gamma / "
                   "sqrt(variance + epsilon) * (dz - dbeta / n - xhat * dgamma / n)",
       .good = frozen_samples<BatchNormTrainGrad>(true, false),
       .bad = refusals<BatchNormTrainGrad>(true, true)});
  registry.add<BatchNormFrozen>(
      {.equation = "y[r,c] = a(gamma[c] * (x[r,c] - mean[c]) / sqrt(variance[c] + epsilon) + "
                   "beta[c]), mean and variance given",
       .good = frozen_samples<BatchNormFrozen>(false, true),
       .bad = refusals<BatchNormFrozen>(true, false)});
  registry.add<BatchNormFrozenGradX>({.equation = "dx = gamma / sqrt(variance + epsilon) * a'(z) * dy",
                                      .good = frozen_samples<BatchNormFrozenGradX>(true, false),
                                      .bad = refusals<BatchNormFrozenGradX>(true, true)});
  registry.add<BatchNormFrozenGradParameters>(
      {.equation = "dbeta[c] = sum over r of dz[r,c], dgamma[c] = sum over r of dz[r,c] * xhat[r,c]",
       .good = frozen_samples<BatchNormFrozenGradParameters>(true, false),
       .bad = refusals<BatchNormFrozenGradParameters>(true, true)});
}

}  // namespace sonograd
