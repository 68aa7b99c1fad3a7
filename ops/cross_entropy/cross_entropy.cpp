#include "ops/cross_entropy/cross_entropy.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

using Logits = SoftmaxCrossEntropy;
using Probabilities = CrossEntropyFromProbabilities;

// Rows that are distributions, as label smoothing or mixing two images gives, times a class weight.
Input soft(Int rows, Int classes) {
  return uniform({rows, classes}, 0, 0.8);
}
Input probabilities(Int rows, Int classes) {
  return uniform({rows, classes}, 0.1, 0.9);
}
Input clipped_probabilities() {
  return exactly({4, 3}, {0.2, 0.3, 0.5, 1e-9, 0.4, 0.6, 1, 0, 0, 0, 1, 0});
}

std::vector<Sample> logits_samples() {
  return {
      sample("softmax_cross_entropy: labels", Logits{}, {uniform({5, 3}, -2, 2), one_hot(5, 3)}),
      sample("softmax_cross_entropy: soft and weighted", Logits{}, {uniform({4, 5}, -2, 2), soft(4, 5)}),
      sample("softmax_cross_entropy: two classes", Logits{}, {uniform({3, 2}, -2, 2), one_hot(3, 2)}),
      sample("softmax_cross_entropy: one sample", Logits{}, {uniform({1, 3}), one_hot(1, 3)}),
      values_only("softmax_cross_entropy: one class", Logits{}, {uniform({2, 1}), one_hot(2, 1)}),
      values_only("softmax_cross_entropy: equal logits", Logits{}, {uniform({2, 4}, 1, 1), one_hot(2, 4)}),
      values_only("softmax_cross_entropy: large", Logits{}, {uniform({6, 3}, -60, 60), one_hot(6, 3)}),
      values_only("softmax_cross_entropy: special values", Logits{}, {special_values({4, 6}), soft(4, 6)}),
      values_only("softmax_cross_entropy: many classes", Logits{},
                  {uniform({9, 1001}, -5, 5), one_hot(9, 1001)})};
}

std::vector<Sample> logits_grad_samples() {
  const SoftmaxCrossEntropyGrad grad;
  return {sample("softmax_cross_entropy_grad: labels", grad,
                 {uniform({5, 3}, -2, 2), one_hot(5, 3), uniform({5})}),
          sample("softmax_cross_entropy_grad: soft and weighted", grad,
                 {uniform({4, 5}, -2, 2), soft(4, 5), uniform({4})}),
          sample("softmax_cross_entropy_grad: large", grad,
                 {uniform({6, 3}, -60, 60), one_hot(6, 3), uniform({6})}),
          sample("softmax_cross_entropy_grad: many classes", grad,
                 {uniform({9, 1001}, -5, 5), one_hot(9, 1001), uniform({9})})};
}

std::vector<BadSample> refusals() {
  return {refused(Logits{}, {{2, 3, 4}, {2, 3, 4}}, "[2,3,4] is not [samples, classes]"),
          refused(Logits{}, {{2, 3}, {2}}, "targets [2] are not one value for each of [2,3]")};
}
template <class O>
std::vector<BadSample> grad_refusals() {
  return {refused(O{}, {{2, 3}, {2, 3}, {3}}, "dloss [3] is not one value for each of 2 samples")};
}

}  // namespace

void register_cross_entropy(Registry& registry) {
  registry.add<Logits>(
      {.equation = "loss[n] = sum over c of t[n,c] * (log(sum over k of exp(z[n,k])) - z[n,c])",
       .linear = {1},
       .good = logits_samples(),
       .bad = refusals()});
  registry.add<SoftmaxCrossEntropyGrad>(
      {.equation = "dz[n,c] = dloss[n] * (softmax(z)[n,c] * sum t[n] - t[n,c]), dt[n,c] = dloss[n] * "
                   "(log(sum over k of exp(z[n,k])) - z[n,c])",
       .good = logits_grad_samples(),
       .bad = grad_refusals<SoftmaxCrossEntropyGrad>()});
  registry.add<Probabilities>(
      {.equation = "loss[n] = sum over c of t[n,c] * (log(sum over k of q[n,k]) - log(q[n,c])), q = clip(p)",
       .linear = {1},
       .good = {sample("cross_entropy_from_probabilities: labels", Probabilities{},
                       {probabilities(5, 3), one_hot(5, 3)}),
                sample("cross_entropy_from_probabilities: soft and weighted", Probabilities{},
                       {probabilities(4, 5), soft(4, 5)}),
                values_only("cross_entropy_from_probabilities: clipped", Probabilities{},
                            {clipped_probabilities(), one_hot(4, 3)})},
       .bad = {refused(Probabilities{}, {{2, 3}, {2}}, "targets [2] are not one value for each of [2,3]")}});
  const CrossEntropyFromProbabilitiesGrad grad;
  registry.add<CrossEntropyFromProbabilitiesGrad>(
      {.equation = "dp[n,c] = dloss[n] * (sum t[n] / sum q[n] - t[n,c] / q[n,c]) where p is not clipped",
       .good = {sample("cross_entropy_from_probabilities_grad: labels", grad,
                       {probabilities(5, 3), one_hot(5, 3), uniform({5})}),
                sample("cross_entropy_from_probabilities_grad: clipped", grad,
                       {clipped_probabilities(), one_hot(4, 3), uniform({4})})},
       .bad = grad_refusals<CrossEntropyFromProbabilitiesGrad>()});
}

}  // namespace sonograd
