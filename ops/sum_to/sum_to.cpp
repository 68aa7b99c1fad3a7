#include "ops/sum_to/sum_to.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_sum_to(Registry& registry) {
  registry.add<SumTo>(
      {.equation = "y[j] = sum of x[i] over the i that j broadcasts to",
       .linear = {0},
       .good = {sample("sum_to: rows", SumTo{{1, 4}}, {uniform({3, 4})}),
                sample("sum_to: lost axis", SumTo{{4}}, {uniform({2, 3, 4})}),
                sample("sum_to: per channel", SumTo{{1, 1, 1, 5}}, {uniform({2, 3, 4, 5})}),
                sample("sum_to: per image and channel", SumTo{{2, 1, 1, 5}}, {uniform({2, 3, 4, 5})}),
                sample("sum_to: scalar", SumTo{{}}, {uniform({3, 5})}),
                sample("sum_to: same shape", SumTo{{3, 5}}, {uniform({3, 5})}),
                sample("sum_to: every other axis", SumTo{{1, 3, 1, 5}}, {uniform({2, 3, 4, 5})}),
                sample("sum_to: the others", SumTo{{2, 1, 4, 1}}, {uniform({2, 3, 4, 5})}),
                values_only("sum_to: no rows", SumTo{{4}}, {uniform({0, 4})}),
                values_only("sum_to: many rows", SumTo{{41}}, {uniform({997, 41})}),
                values_only("sum_to: many elements", SumTo{{}}, {uniform({997, 41}, 0, 1)}),
                values_only("sum_to: long rows", SumTo{{7, 1}}, {uniform({7, 9001})})},
       .bad = {refused(SumTo{{3}}, {{2, 4}}, "do not broadcast"),
               refused(SumTo{{2, 2, 4}}, {{2, 4}}, "is no broadcast of")}});
  registry.add<BroadcastTo>(
      {.equation = "y[i] = x[j], j the element that broadcasts to i",
       .linear = {0},
       .good = {sample("broadcast_to: rows", BroadcastTo{{3, 4}}, {uniform({1, 4})}),
                sample("broadcast_to: new axis", BroadcastTo{{2, 3, 4}}, {uniform({4})}),
                sample("broadcast_to: scalar", BroadcastTo{{2, 3}}, {uniform({})})},
       .bad = {refused(BroadcastTo{{3, 4}}, {{2, 4}}, "do not broadcast")}});
}

}  // namespace sonograd
