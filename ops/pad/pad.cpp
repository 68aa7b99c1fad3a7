#include "ops/pad/pad.h"

#include "autograd/define_op.h"

namespace sonograd {

Tensor slice(const Tensor& x, int axis, Int begin, Int end) {
  if (axis < 0) axis += x.rank();
  Slice op;
  for (int k = 0; k < x.rank(); ++k) {
    op.begin.push_back(k == axis ? begin : 0);
    op.end.push_back(k == axis ? end : x.size(k));
  }
  return apply(op, x);
}

void register_pad(Registry& registry) {
  registry.add<Pad>(
      {.equation = "y[i] = x[i - before] inside x, else 0",
       .linear = {0},
       .good = {sample("pad: stride 2, even size", Pad{{0, 0, 0, 0}, {0, 1, 1, 0}}, {uniform({2, 4, 4, 3})}),
                sample("pad: both sides", Pad{{0, 3, 3, 0}, {0, 3, 3, 0}}, {uniform({1, 2, 3, 2})}),
                sample("pad: channels", Pad{{0, 2}, {0, 3}}, {uniform({3, 4})}),
                sample("pad: nothing", Pad{{0, 0}, {0, 0}}, {uniform({3, 4})})},
       .bad = {refused(Pad{{0}, {0}}, {{2, 3}}, "x [2,3] needs 2 amounts on each side, got 1 and 1"),
               refused(Pad{{0, -1}, {0, 0}}, {{2, 3}}, "axis 1 cannot be padded by -1 and 0")}});
  registry.add<Slice>(
      {.equation = "y[i] = x[i + begin]",
       .linear = {0},
       .good = {sample("slice: channels", Slice{{0, 0, 0, 1}, {2, 3, 3, 3}}, {uniform({2, 3, 3, 4})}),
                sample("slice: rows", Slice{{1, 0}, {3, 4}}, {uniform({4, 4})}),
                sample("slice: one element", Slice{{1, 2}, {2, 3}}, {uniform({3, 4})}),
                sample("slice: everything", Slice{{0, 0}, {3, 4}}, {uniform({3, 4})})},
       .bad = {refused(Slice{{0, 2}, {2, 5}}, {{2, 4}}, "2:5 leaves axis 1 of x [2,4]"),
               refused(Slice{{0}, {1}}, {{2, 4}}, "needs 2 ranges, got 1")}});
}

}  // namespace sonograd
