#include "ops/permute/permute.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_permute(Registry& registry) {
  registry.add<Permute>(
      {.equation = "y[i_0, i_1, ...] = x[j_0, j_1, ...], j_axes[k] = i_k",
       .linear = {0},
       .good = {sample("permute: transpose", Permute{{1, 0}}, {uniform({3, 5})}),
                sample("permute: heads first", Permute{{0, 2, 1, 3}}, {uniform({2, 3, 2, 4})}),
                values_only("permute: heads of a transformer", Permute{{0, 2, 1, 3}},
                            {uniform({3, 50, 12, 64})}),
                values_only("permute: rows to columns", Permute{{1, 0}}, {uniform({212, 144})}),
                sample("permute: cycle", Permute{{2, 0, 1}}, {uniform({2, 3, 4})}),
                sample("permute: unchanged", Permute{{0, 1}}, {uniform({2, 3})})},
       .bad = {refused(Permute{{0, 0}}, {{2, 3}}, "axes [0,0] do not name each axis of x [2,3] once"),
               refused(Permute{{0, 1, 2}}, {{2, 3}}, "do not name each axis")}});
}

}  // namespace sonograd
