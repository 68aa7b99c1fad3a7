#include "ops/binary_cross_entropy/binary_cross_entropy.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

using Logits = BinaryCrossEntropy;
using LogitsGrad = BinaryCrossEntropyGrad;
using Probabilities = BinaryCrossEntropyFromProbabilities;
using ProbabilitiesGrad = BinaryCrossEntropyFromProbabilitiesGrad;

constexpr Probabilities keras2{.epsilon = 1e-7, .delta = 1e-7};
constexpr ProbabilitiesGrad keras2_grad{.epsilon = 1e-7, .delta = 1e-7};

Input targets(Shape shape) {
  return uniform(shape, 0, 1);
}
Input probabilities(Shape shape) {
  return uniform(shape, 0.1, 0.9);
}
Input clipped_probabilities() {
  return exactly({6, 1}, {0.9, 0, 1, 1e-9, 0.5, 1});
}

}  // namespace

void register_binary_cross_entropy(Registry& registry) {
  registry.add<Logits>(
      {.equation = "loss[i] = max(z[i], 0) - z[i] * t[i] + log(1 + exp(-|z[i]|))",
       .good = {sample("binary_cross_entropy: column", Logits{}, {uniform({6, 1}, -3, 3), targets({6, 1})}),
                sample("binary_cross_entropy: map", Logits{},
                       {uniform({2, 3, 4, 1}, -3, 3), targets({2, 3, 4, 1})}),
                sample("binary_cross_entropy: scalar", Logits{}, {uniform({}), targets({})}),
                values_only("binary_cross_entropy: special values", Logits{},
                            {special_values({5, 7}), targets({5, 7})}),
                values_only("binary_cross_entropy: many", Logits{},
                            {uniform({9001}, -40, 40), targets({9001})})},
       .bad = {refused(Logits{}, {{4, 1}, {4}}, "targets [4] and [4,1] differ")}});
  registry.add<LogitsGrad>(
      {.equation = "dz[i] = dloss[i] * (sigmoid(z[i]) - t[i]), dt[i] = -dloss[i] * z[i]",
       .good = {sample("binary_cross_entropy_grad: column", LogitsGrad{},
                       {uniform({6, 1}, -3, 3), targets({6, 1}), uniform({6, 1})}),
                sample("binary_cross_entropy_grad: special values", LogitsGrad{},
                       {special_values({5, 7}), targets({5, 7}), uniform({5, 7})}),
                sample("binary_cross_entropy_grad: many", LogitsGrad{},
                       {uniform({9001}, -40, 40), targets({9001}), uniform({9001})})},
       .bad = {refused(LogitsGrad{}, {{4, 1}, {4, 1}, {4}}, "dloss [4] and [4,1] differ")}});
  registry.add<Probabilities>(
      {.equation = "loss[i] = -t[i] * log(q[i] + delta) - (1 - t[i]) * log(1 - q[i] + delta), q = clip(p)",
       .good = {sample("binary_cross_entropy_from_probabilities: keras 3", Probabilities{},
                       {probabilities({6, 1}), targets({6, 1})}),
                sample("binary_cross_entropy_from_probabilities: keras 2", keras2,
                       {probabilities({2, 3}), targets({2, 3})}),
                values_only("binary_cross_entropy_from_probabilities: clipped, keras 3", Probabilities{},
                            {clipped_probabilities(), targets({6, 1})}),
                values_only("binary_cross_entropy_from_probabilities: clipped, keras 2", keras2,
                            {clipped_probabilities(), targets({6, 1})})},
       .bad = {refused(Probabilities{}, {{4, 1}, {4}}, "targets [4] and [4,1] differ")}});
  registry.add<ProbabilitiesGrad>(
      {.equation =
           "dp[i] = dloss[i] * ((1 - t[i]) / (1 - q[i] + delta) - t[i] / (q[i] + delta)) where p is not "
           "clipped",
       .good = {sample("binary_cross_entropy_from_probabilities_grad: keras 3", ProbabilitiesGrad{},
                       {probabilities({6, 1}), targets({6, 1}), uniform({6, 1})}),
                sample("binary_cross_entropy_from_probabilities_grad: clipped, keras 2", keras2_grad,
                       {clipped_probabilities(), targets({6, 1}), uniform({6, 1})})},
       .bad = {refused(ProbabilitiesGrad{}, {{4, 1}, {4, 1}, {4}}, "dloss [4] and [4,1] differ")}});
}

}  // namespace sonograd
