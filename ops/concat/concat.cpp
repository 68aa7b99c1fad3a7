#include "ops/concat/concat.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_concat(Registry& registry) {
  registry.add<Concat>(
      {.equation = "y = x0, then x1, ... along an axis",
       .linear = {},
       .good = {sample("concat: channels", Concat{}, {uniform({2, 3, 3, 4}), uniform({2, 3, 3, 2})}),
                sample("concat: first axis", Concat{0}, {uniform({1, 3}), uniform({2, 3}), uniform({1, 3})}),
                sample("concat: class token", Concat{1}, {uniform({2, 1, 3}), uniform({2, 4, 3})}),
                sample("concat: one", Concat{}, {uniform({2, 3})})},
       .bad = {refused(Concat{}, {{2, 3}, {3, 3}}, "x1 [3,3] differs from x0 [2,3] beside axis 1"),
               refused(Concat{2}, {{2, 3}}, "x0 [2,3] has no axis 2")}});
}

}  // namespace sonograd
