#include "ops/channel_scale/channel_scale.h"

#include "autograd/define_op.h"

namespace sonograd {

void register_channel_scale(Registry& registry) {
  const Shape x{2, 3, 3, 5}, s{2, 1, 1, 5}, large{3, 29, 31, 24}, large_s{3, 1, 1, 24};
  registry.add<ChannelScale>(
      {.equation = "y[n,p,c] = x[n,p,c] * s[n,c]",
       .linear = {0, 1},
       .good = {sample("channel_scale: image", ChannelScale{}, {uniform(x), uniform(s)}),
                sample("channel_scale: no positions", ChannelScale{}, {uniform({3, 4}), uniform({3, 4})}),
                sample("channel_scale: one image", ChannelScale{},
                       {uniform({1, 2, 1, 3}), uniform({1, 1, 1, 3})}),
                values_only("channel_scale: many positions", ChannelScale{},
                            {uniform(large), uniform(large_s)}),
                values_only("channel_scale: special values", ChannelScale{},
                            {special_values({2, 4, 4, 3}), special_values({2, 1, 1, 3})})},
       .bad = {
           refused(ChannelScale{}, {x, {2, 5}}, "s [2,5] is not one number per image and channel, [2,1,1,5]"),
           refused(ChannelScale{}, {{3}, {3}}, "needs a batch axis")}});
  registry.add<ChannelDot>(
      {.equation = "s[n,c] = sum over p of x[n,p,c] * y[n,p,c]",
       .linear = {0, 1},
       .good = {sample("channel_dot: image", ChannelDot{}, {uniform(x), uniform(x)}),
                sample("channel_dot: one element", ChannelDot{}, {uniform({1, 1}), uniform({1, 1})}),
                values_only("channel_dot: many positions", ChannelDot{}, {uniform(large), uniform(large)})},
       .bad = {refused(ChannelDot{}, {x, s}, "x [2,3,3,5] and y [2,1,1,5] differ")}});
  registry.add<ChannelScaleGrad>(
      {.equation = "dx[n,p,c] = dy[n,p,c] * s[n,c], ds[n,c] = sum over p of dy[n,p,c] * x[n,p,c]",
       .linear = {0},
       .good = {sample("channel_scale_grad: image", ChannelScaleGrad{}, {uniform(x), uniform(x), uniform(s)}),
                values_only("channel_scale_grad: many positions", ChannelScaleGrad{},
                            {uniform(large), uniform(large), uniform(large_s)})},
       .bad = {refused(ChannelScaleGrad{}, {s, x, s}, "dy [2,1,1,5] and x [2,3,3,5] differ")}});
}

}  // namespace sonograd
