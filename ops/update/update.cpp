#include "ops/update/update.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_update(Registry& registry) {
  registry.add<AdamUpdate>(
      {.equation =
           "m' = m + (g - m)(1 - beta1); v' = v + (g^2 - v)(1 - beta2); w' = w - rate m' / (sqrt(v') + "
           "epsilon)",
       .good = {sample("adam_update: first step", AdamUpdate{},
                       {uniform({7, 5}), exactly({7, 5}, std::vector<double>(35, 0.0)),
                        exactly({7, 5}, std::vector<double>(35, 0.0)), uniform({7, 5})}),
                sample("adam_update: later", AdamUpdate{.rate = 0.1, .beta1 = 0.5, .beta2 = 0.9},
                       {uniform({3, 1, 11}), uniform({3, 1, 11}), uniform({3, 1, 11}, 0.1, 1),
                        uniform({3, 1, 11})}),
                sample("adam_update: a number", AdamUpdate{},
                       {uniform({}), uniform({}), uniform({}, 0, 1), uniform({})})},
       .bad = {refused(AdamUpdate{}, {{2, 3}, {2, 3}, {2, 3}, {3, 2}},
                       "g [3,2] has not the shape [2,3] of what it updates")}});
  registry.add<SgdUpdate>(
      {.equation = "u' = momentum u - rate g; w' = w + u'",
       .good = {sample("sgd_update: plain", SgdUpdate{}, {uniform({7, 5}), uniform({7, 5}), uniform({7, 5})}),
                sample("sgd_update: momentum", SgdUpdate{.rate = 0.1, .momentum = 0.9},
                       {uniform({13}), uniform({13}), uniform({13})})},
       .bad = {refused(SgdUpdate{}, {{2}, {3}, {2}}, "u [3] has not the shape [2] of what it updates")}});
  registry.add<AverageUpdate>(
      {.equation = "a' = keep a + take x",
       .good = {sample("average_update: rows", AverageUpdate{}, {uniform({7, 5}), uniform({7, 5})}),
                sample("average_update: all new", AverageUpdate{.keep = 0, .take = 1},
                       {uniform({3}), uniform({3})})},
       .bad = {refused(AverageUpdate{}, {{2}, {3}}, "x [3] has not the shape [2] of what it updates")}});
}

}  // namespace sonograd
