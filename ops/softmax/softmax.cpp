#include "ops/softmax/softmax.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_softmax(Registry& registry) {
  registry.add<Softmax>(
      {.equation = "y[r,c] = exp(x[r,c]) / (sum over k of exp(x[r,k]))",
       .good = {sample("softmax: rows", Softmax{}, {uniform({3, 5}, -3, 3)}),
                sample("softmax: four axes", Softmax{}, {uniform({2, 2, 3, 4}, -3, 3)}),
                sample("softmax: one class", Softmax{}, {uniform({3, 1})}),
                sample("softmax: a vector", Softmax{}, {uniform({7})}),
                values_only("softmax: equal values", Softmax{}, {uniform({2, 5}, 2, 2)}),
                values_only("softmax: special values", Softmax{}, {special_values({4, 6})}),
                values_only("softmax: vector lengths", Softmax{}, {uniform({300, 49}, -9, 9)}),
                values_only("softmax: 521 classes", Softmax{}, {uniform({5, 521}, -9, 9)}),
                values_only("softmax: as in a vision transformer", Softmax{}, {uniform({2, 19, 197}, -9, 9)}),
                values_only("softmax: rows beyond a block's registers", Softmax{},
                            {uniform({3, 2503}, -9, 9)}),
                values_only("softmax: long rows", Softmax{}, {uniform({3, 1000}, -60, 60)})},
       .bad = {refused(Softmax{}, {{}}, "x [] has no last axis to sum over"),
               refused(Softmax{}, {{3, 0}}, "x [3,0] has no last axis to sum over")}});
  const auto y = [](Shape shape) { return uniform(shape, 0.05, 0.5); };
  registry.add<SoftmaxGrad>(
      {.equation = "dx[r,c] = y[r,c] * (dy[r,c] - sum over k of y[r,k] * dy[r,k])",
       .linear = {1},
       .good = {sample("softmax_grad: rows", SoftmaxGrad{}, {y({3, 5}), uniform({3, 5})}),
                sample("softmax_grad: four axes", SoftmaxGrad{}, {y({2, 2, 3, 4}), uniform({2, 2, 3, 4})}),
                values_only("softmax_grad: vector lengths", SoftmaxGrad{},
                            {y({300, 49}), uniform({300, 49})}),
                values_only("softmax_grad: 521 classes", SoftmaxGrad{}, {y({5, 521}), uniform({5, 521})}),
                values_only("softmax_grad: as in a vision transformer", SoftmaxGrad{},
                            {y({2, 19, 197}), uniform({2, 19, 197})}),
                values_only("softmax_grad: rows beyond a block's registers", SoftmaxGrad{},
                            {y({3, 2503}), uniform({3, 2503})}),
                values_only("softmax_grad: certain", SoftmaxGrad{}, {one_hot(3, 4), special_values({3, 4})})},
       .bad = {refused(SoftmaxGrad{}, {{3, 4}, {3, 5}}, "y [3,4] and dy [3,5] differ")}});
}

}  // namespace sonograd
