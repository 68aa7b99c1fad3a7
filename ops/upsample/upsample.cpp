#include "ops/upsample/upsample.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_upsample(Registry& registry) {
  registry.add<Upsample>(
      {.equation = "y[n,i,j,c] = x[n, i div k, j div k, c]",
       .linear = {0},
       .good = {sample("upsample: twice", Upsample{}, {uniform({2, 3, 2, 3})}),
                sample("upsample: three times, one channel", Upsample{3}, {uniform({1, 2, 3, 1})}),
                sample("upsample: once", Upsample{1}, {uniform({1, 2, 2, 2})}),
                sample("upsample: one element", Upsample{}, {uniform({1, 1, 1, 1})}),
                values_only("upsample: many positions", Upsample{}, {uniform({3, 21, 19, 24})})},
       .bad = {refused(Upsample{}, {{2, 3}}, "x [2,3] is not [batch, height, width, channels]"),
               refused(Upsample{0}, {{1, 2, 2, 3}}, "the factor must be at least 1, got 0")}});
  registry.add<UpsampleGrad>(
      {.equation = "dx[n,i,j,c] = sum over u, v < k of dy[n, k i + u, k j + v, c]",
       .linear = {0},
       .good = {sample("upsample_grad: twice", UpsampleGrad{}, {uniform({2, 4, 6, 3})}),
                sample("upsample_grad: three times", UpsampleGrad{3}, {uniform({1, 3, 6, 2})}),
                values_only("upsample_grad: many positions", UpsampleGrad{}, {uniform({3, 42, 38, 24})})},
       .bad = {
           refused(UpsampleGrad{}, {{1, 3, 4, 2}}, "height and width of dy [1,3,4,2] are no multiples")}});
}

}  // namespace sonograd
