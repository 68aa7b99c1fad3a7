#include "ops/reshape/reshape.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_reshape(Registry& registry) {
  registry.add<Reshape>({.equation = "y[j] = x[i], i and j the same row-major number",
                         .linear = {0},
                         .good = {sample("reshape: heads", Reshape{{2, 3, 2, 2}}, {uniform({2, 3, 4})}),
                                  sample("reshape: flat", Reshape{{12}}, {uniform({3, 4})}),
                                  sample("reshape: to a scalar", Reshape{{}}, {uniform({1, 1})}),
                                  sample("reshape: one more axis", Reshape{{1, 3, 1}}, {uniform({3})})},
                         .bad = {refused(Reshape{{5}}, {{2, 3}}, "x [2,3] has 6 elements but [5] has 5")}});
}

}  // namespace sonograd
