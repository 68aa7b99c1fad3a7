#include "ops/append/append.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_append(Registry& registry) {
  registry.add<Append>(
      {.equation = "y = x, then more, along the last axis",
       .linear = {},
       .good = {sample("append: channels", Append{}, {uniform({2, 3, 3, 4}), uniform({2, 3, 3, 2})}),
                sample("append: a row", Append{}, {uniform({3}), uniform({1})}),
                sample("append: nothing", Append{}, {uniform({2, 0}), uniform({2, 3})})},
       .bad = {refused(Append{}, {{2, 3}, {3, 3}}, "more [3,3] differs from x [2,3] before the last axis"),
               refused(Append{Tensor::empty({2, 4})}, {{2, 3}, {2, 2}},
                       "y [2,5] has no room in the buffer [2,4]")}});
}

}  // namespace sonograd
