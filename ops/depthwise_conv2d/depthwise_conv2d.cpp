#include "ops/depthwise_conv2d/depthwise_conv2d.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

struct Case {
  std::string name;
  DepthwiseConv2d conv;
  Shape x;
  Pair kernel;
};

std::vector<Case> cases() {
  return {{"3x3", {}, {2, 5, 7, 3}, {3, 3}},
          {"3x3, 40 channels", {}, {1, 4, 9, 40}, {3, 3}},
          {"3x3 stride 2, even size", {.stride = {2, 2}}, {1, 8, 6, 3}, {3, 3}},
          {"3x3 stride 2, odd size", {.stride = {2, 2}}, {2, 5, 7, 18}, {3, 3}},
          {"3x3 valid", {.pad = valid}, {1, 5, 6, 2}, {3, 3}},
          {"3x3 stride 2 valid, row left over", {.stride = {2, 2}, .pad = valid}, {1, 6, 8, 2}, {3, 3}},
          {"5x5", {}, {1, 6, 7, 24}, {5, 5}},
          {"5x5 stride 2, even size", {.stride = {2, 2}, .pad = {1, 2, 1, 2}}, {1, 8, 8, 5}, {5, 5}},
          {"5x5 stride 2, odd size", {.stride = {2, 2}}, {1, 7, 9, 17}, {5, 5}},
          {"explicit pads", {.pad = {0, 2, 1, 0}}, {1, 4, 5, 3}, {3, 3}},
          {"2x3 stride 1x2", {.stride = {1, 2}}, {1, 4, 6, 3}, {2, 3}},
          {"7x7", {}, {1, 5, 6, 3}, {7, 7}},
          {"3x3, made again", {.make_again = true}, {2, 5, 7, 6}, {3, 3}},
          {"stride 3", {.stride = {3, 3}}, {1, 7, 8, 3}, {3, 3}},
          {"5x5 on 2x1", {}, {1, 2, 1, 3}, {5, 5}},
          {"3x3, borders wider than the window", {.pad = {5, 4, 6, 3}}, {1, 2, 3, 2}, {3, 3}},
          {"3x3 stride 2, borders wider than the window",
           {.stride = {2, 2}, .pad = {5, 4, 6, 3}},
           {1, 3, 2, 2},
           {3, 3}},
          {"5x5 stride 2, one row", {.stride = {2, 2}}, {1, 1, 9, 3}, {5, 5}},
          {"one element", {}, {1, 1, 1, 1}, {1, 1}}};
}

}  // namespace

void register_depthwise_conv2d(Registry& registry) {
  std::vector<Sample> value, grad_x, grad_w;
  for (const Case& c : cases()) {
    const Shape w{c.kernel.height, c.kernel.width, c.x[3], 1}, y = c.conv.shape(c.x, w);
    const DepthwiseConv2dGradX to_x{c.conv, {c.x[1], c.x[2]}};
    const DepthwiseConv2dGradW to_w{c.conv, c.kernel};
    value.push_back(sample("depthwise_conv2d: " + c.name, c.conv, {uniform(c.x), uniform(w)}));
    grad_x.push_back(sample("depthwise_conv2d_grad_x: " + c.name, to_x, {uniform(w), uniform(y)}));
    grad_w.push_back(sample("depthwise_conv2d_grad_w: " + c.name, to_w, {uniform(c.x), uniform(y)}));
  }
  const Shape many{3, 47, 30, 3};
  grad_w.push_back(values_only("depthwise_conv2d_grad_w: many rows", DepthwiseConv2dGradW{{}, {3, 3}},
                               {uniform(many), uniform(many)}));
  value.push_back(values_only("depthwise_conv2d: special values", DepthwiseConv2d{},
                              {special_values({1, 6, 5, 3}), uniform({3, 3, 3, 1})}));

  registry.add<DepthwiseConv2d>(
      {.equation = "y[n,i,j,c] = sum x[n, s i + u - p, s j + v - q, c] w[u,v,c,0]",
       .linear = {0, 1},
       .good = value,
       .bad = {refused(DepthwiseConv2d{}, {{1, 4, 4, 6}, {3, 3, 5, 1}}, "x has 6 channels but w has 5"),
               refused(DepthwiseConv2d{}, {{1, 4, 4, 6}, {3, 3, 6, 2}},
                       "w must be [kh,kw,channels,1], not [3,3,6,2]"),
               refused(DepthwiseConv2d{}, {{4, 4, 6}, {3, 3, 6, 1}}, "x must be [n,height,width,channels]"),
               refused(DepthwiseConv2d{.pad = valid}, {{1, 4, 4, 6}, {5, 5, 6, 1}},
                       "a window that reaches over 5 positions does not fit into 4")}});
  registry.add<DepthwiseConv2dGradX>(
      {.equation = "dx[n, s i + u - p, s j + v - q, c] = sum w[u,v,c,0] dy[n,i,j,c]",
       .linear = {0, 1},
       .good = grad_x,
       .bad = {
           refused(DepthwiseConv2dGradX{{}, {4, 4}}, {{3, 3, 6, 1}, {1, 4, 5, 6}}, "dy must be [1,4,4,6]")}});
  registry.add<DepthwiseConv2dGradW>(
      {.equation = "dw[u,v,c,0] = sum x[n, s i + u - p, s j + v - q, c] dy[n,i,j,c]",
       .linear = {0, 1},
       .good = grad_w,
       .bad = {
           refused(DepthwiseConv2dGradW{{}, {3, 3}}, {{1, 4, 4, 6}, {1, 4, 4, 5}}, "dy must be [1,4,4,6]")}});
}

}  // namespace sonograd
