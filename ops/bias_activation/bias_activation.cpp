#include "ops/bias_activation/bias_activation.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_bias_activation(Registry& registry) {
  std::vector<Sample> values, gradients;
  constexpr Activation all[] = {Activation::none,    Activation::relu, Activation::leaky_relu,
                                Activation::sigmoid, Activation::tanh, Activation::swish,
                                Activation::gelu};
  for (const Activation f : all) {
    const std::string name(name_of(f));
    // x + b with x off 0 by 0.5 at least and |b| below 0.25 stays off a kink at 0.
    const auto x = [](Shape shape) { return away_from(shape, 0, 0.5); };
    const auto b = [](Int n) { return uniform({n}, -0.25, 0.25); };
    values.push_back(sample("bias_activation: " + name, BiasActivation{f}, {x({2, 3, 3, 5}), b(5)}));
    values.push_back(
        values_only("bias_activation: 521 channels, " + name, BiasActivation{f}, {x({7, 521}), b(521)}));
    values.push_back(values_only("bias_activation: special values, " + name, BiasActivation{f},
                                 {special_values({4, 6}), special_values({6})}));
    values.push_back(values_only("bias_activation: special values in fours, " + name, BiasActivation{f},
                                 {special_values({4, 8}), special_values({8})}));
    gradients.push_back(
        sample("bias_activation_grad: " + name, BiasActivationGrad{f}, {uniform({4, 5}), x({4, 5}), b(5)}));
    gradients.push_back(values_only("bias_activation_grad: 521 channels, " + name, BiasActivationGrad{f},
                                    {uniform({7, 521}), x({7, 521}), b(521)}));
    gradients.push_back(values_only("bias_activation_grad: many rows, " + name, BiasActivationGrad{f},
                                    {uniform({3, 31, 17, 40}), x({3, 31, 17, 40}), b(40)}));
  }
  const BiasActivation swish{Activation::swish};
  values.push_back(sample("bias_activation: one element", swish, {uniform({1}), uniform({1})}));
  values.push_back(values_only("bias_activation: many rows", swish, {uniform({61, 700}), uniform({700})}));
  values.push_back(values_only("bias_activation: no rows", swish, {uniform({0, 3}), uniform({3})}));
  registry.add<BiasActivation>({.equation = "y[r,c] = f(x[r,c] + b[c])",
                                .linear = {},
                                .good = values,
                                .bad = {refused(swish, {{2, 3}, {2}}, "b [2] is not one number for each"),
                                        refused(swish, {{}, {1}}, "of the last axis of x []")}});
  registry.add<BiasActivationGrad>(
      {.equation = "dx[r,c] = dy[r,c] * f'(x[r,c] + b[c]), db[c] = sum over r of dx[r,c]",
       .linear = {0},
       .good = gradients,
       .bad = {refused(BiasActivationGrad{}, {{3, 2}, {2, 3}, {3}}, "dy [3,2] and x [2,3] differ")}});
}

}  // namespace sonograd
