#include "ops/layer_norm/layer_norm.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

template <class O>
std::vector<Sample> samples() {
  constexpr bool grad = std::is_same_v<O, LayerNormGrad>;
  const auto of = [](const std::string& text, O op, const Input& x, bool smooth = true) {
    const Int c = x.shape[-1];
    Sample s = sample(fmt::format("{}: {}", O::name, text), op,
                      {x, uniform({c}, 0.5, 1.5), grad ? uniform(x.shape) : uniform({c}, -0.3, 0.3)});
    s.gradient = smooth && !grad;
    return s;
  };
  return {of("tokens", O{}, uniform({2, 3, 7}, -2, 2)),
          of("rows", O{.epsilon = 1e-3}, uniform({4, 5})),
          of("one row", O{}, uniform({6})),
          of("longer than a vector", O{}, uniform({3, 33}, -2, 2)),
          of("far from zero", O{}, uniform({2, 8}, 9, 11)),
          of("equal values", O{}, uniform({2, 5}, 2, 2), false),
          of("special values", O{}, special_values({5, 7}), false),
          of("rows beyond a block's registers", O{}, uniform({3, 2503}, -1, 2), false),
          of("as in a vision transformer", O{}, uniform({2, 50, 768}, -1, 2), false)};
}

}  // namespace

void register_layer_norm(Registry& registry) {
  registry.add<LayerNorm>(
      {.equation = "y[r,c] = gamma[c] * (x[r,c] - mean[r]) / sqrt(variance[r] + epsilon) + beta[c]",
       .good = samples<LayerNorm>(),
       .bad = {refused(LayerNorm{}, {{2, 4}, {5}, {4}},
                       "gamma [5] does not hold one value for each of the 4 columns of x"),
               refused(LayerNorm{}, {{2, 4}, {4}, {1}}, "beta [1] and gamma [4] differ"),
               refused(LayerNorm{}, {{}, {1}, {1}}, "x [] has no last axis to normalise over")}});
  registry.add<LayerNormGrad>(
      {.equation = "g = gamma * dy; dx = (g - mean(g) - xhat * mean(g * xhat)) / sqrt(variance + epsilon); "
                   "dgamma = sum over r of dy * xhat; dbeta = sum over r of dy",
       .good = samples<LayerNormGrad>(),
       .bad = {refused(LayerNormGrad{}, {{2, 4}, {4}, {2, 5}}, "dy [2,5] and x [2,4] differ")}});
}

}  // namespace sonograd
