#include "ops/dropout/dropout.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_dropout(Registry& registry) {
  const Random random(3, "samples");
  const DropoutDraw half{.rate = 0.5, .random = random},
      tenth{.rate = 0.1, .random = random, .first_sample = 7};
  const DropoutDraw images{.rate = 0.4, .random = random, .noise = Noise::per_sample};
  DropoutDraw impossible = half;
  impossible.rate = 1;
  registry.add<Dropout>(
      {.equation = "y = x keep / (1 - rate)",
       .linear = {0},
       .good = {sample("dropout: half of the elements", Dropout{half}, {uniform({3, 4, 5})}),
                sample("dropout: probabilities", Dropout{tenth}, {uniform({2, 2, 3, 3}, 0, 1)}),
                sample("dropout: images", Dropout{images}, {uniform({6, 2, 2, 3})}),
                sample("dropout: nothing", Dropout{DropoutDraw{}}, {uniform({2, 3})}),
                values_only("dropout: many elements", Dropout{tenth}, {uniform({3, 25003})}),
                values_only("dropout: many elements in fours", Dropout{tenth}, {uniform({3, 8, 1201})}),
                values_only("dropout: many elements of images", Dropout{images}, {uniform({5, 9001})}),
                values_only("dropout: special values", Dropout{half}, {special_values({4, 9})})},
       .bad = {refused(Dropout{impossible}, {{2, 3}}, "rate 1 is not in [0, 1)"),
               refused(Dropout{half}, {{}}, "has no batch axis")}});
  registry.add<ResidualAdd>(
      {.equation = "y = x keep / (1 - rate) + shortcut",
       .linear = {},
       .good = {sample("residual_add: images", ResidualAdd{images},
                       {uniform({6, 2, 2, 3}), uniform({6, 2, 2, 3})}),
                values_only("residual_add: many elements", ResidualAdd{images},
                            {uniform({5, 9001}), uniform({5, 9001})}),
                values_only("residual_add: many elements in fours", ResidualAdd{images},
                            {uniform({5, 8, 1201}), uniform({5, 8, 1201})}),
                sample("residual_add: all kept", ResidualAdd{}, {uniform({2, 3}), uniform({2, 3})})},
       .bad = {refused(ResidualAdd{images}, {{2, 3}, {2, 4}}, "x [2,3] and shortcut [2,4] differ"),
               refused(ResidualAdd{images}, {Shape{}, Shape{}}, "has no batch axis"),
               refused(ResidualAdd{half}, {{2, 3}, {2, 3}}, "one for each image")}});
}

}  // namespace sonograd
