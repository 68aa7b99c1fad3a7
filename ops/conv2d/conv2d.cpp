#include "ops/conv2d/conv2d.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

// One convolution, from which the samples of the value and of both gradients are made.
struct Case {
  std::string name;
  Conv2d conv;
  Shape x, w;
};

std::vector<Case> cases() {
  return {{"1x1", {}, {2, 5, 4, 3}, {1, 1, 3, 6}},
          {"1x1 stride 2", {.stride = {2, 2}}, {1, 5, 6, 3}, {1, 1, 3, 2}},
          {"3x3 same", {}, {2, 5, 4, 3}, {3, 3, 3, 4}},
          {"3x3 valid", {.pad = valid}, {1, 5, 6, 2}, {3, 3, 2, 3}},
          {"stem: 3x3 stride 2, even size", {.stride = {2, 2}}, {2, 8, 8, 3}, {3, 3, 3, 40}},
          {"3x3 stride 2, odd size", {.stride = {2, 2}}, {1, 7, 9, 2}, {3, 3, 2, 5}},
          {"explicit pads", {.stride = {2, 2}, .pad = {0, 1, 2, 1}}, {1, 6, 5, 2}, {3, 3, 2, 3}},
          {"4x4 stride 2", {.stride = {2, 2}}, {1, 6, 6, 3}, {4, 4, 3, 2}},
          {"5x3 stride 1x2", {.stride = {1, 2}}, {1, 6, 7, 2}, {5, 3, 2, 2}},
          {"dilation 2", {.dilation = {2, 2}}, {1, 7, 6, 3}, {3, 3, 3, 4}},
          {"two groups", {.groups = 2}, {1, 5, 5, 4}, {3, 3, 2, 6}},
          {"1x1, three groups", {.groups = 3}, {2, 3, 3, 6}, {1, 1, 2, 3}},
          {"rows left over", {.stride = {3, 3}, .pad = valid}, {1, 8, 7, 2}, {2, 2, 2, 3}},
          {"patches", {.stride = {4, 4}, .pad = valid}, {1, 8, 8, 3}, {4, 4, 3, 5}},
          {"kernel larger than x", {}, {1, 2, 3, 2}, {5, 5, 2, 2}},
          {"one element", {}, {1, 1, 1, 1}, {1, 1, 1, 1}}};
}

// Of prime sizes, more than a block of threads or a vector holds.
std::vector<Case> large_cases() {
  return {{"7 to 11 channels, 13 x 17", {}, {2, 13, 17, 7}, {3, 3, 7, 11}},
          {"17 to 19 channels, 13 x 17, stride 2", {.stride = {2, 2}}, {2, 13, 17, 17}, {3, 3, 17, 19}},
          {"1x1, 17 to 19 channels, 13 x 17", {}, {2, 13, 17, 17}, {1, 1, 17, 19}}};
}

}  // namespace

void register_conv2d(Registry& registry) {
  std::vector<Sample> value, grad_x, grad_w;
  const auto add = [&](const Case& c, const std::string& of, const auto& as) {
    const Shape y = c.conv.shape(c.x, c.w);
    const std::string name = ": " + of + c.name;
    value.push_back(as("conv2d" + name, c.conv, {uniform(c.x), uniform(c.w)}));
    grad_x.push_back(
        as("conv2d_grad_x" + name, Conv2dGradX{c.conv, {c.x[1], c.x[2]}}, {uniform(c.w), uniform(y)}));
    grad_w.push_back(
        as("conv2d_grad_w" + name, Conv2dGradW{c.conv, {c.w[0], c.w[1]}}, {uniform(c.x), uniform(y)}));
  };
  using Inputs = std::vector<Input>;
  for (const Case& c : cases())
    add(c, "", [](auto name, auto op, Inputs in) { return sample(name, op, std::move(in)); });
  for (const Case& c : large_cases())
    add(c, "", [](auto name, auto op, Inputs in) { return values_only(name, op, std::move(in)); });
  for (const Precision precision : {Precision::bf16, Precision::f16})
    for (const std::vector<Case>& all : {cases(), large_cases()})
      for (Case c : all) {
        c.conv.precision = precision;
        add(c, fmt::format("{}, ", name_of(precision)),
            [](auto name, auto op, Inputs in) { return rounding(name, op, std::move(in)); });
      }
  value.push_back(
      values_only("conv2d: special values", Conv2d{}, {special_values({1, 6, 5, 3}), uniform({3, 3, 3, 4})}));

  registry.add<Conv2d>(
      {.equation = "y[n,i,j,o] = sum x[n, s i + d u - p, s j + d v - q, c] w[u,v,c,o]",
       .linear = {0, 1},
       .good = value,
       .bad = {refused(Conv2d{}, {{8, 38, 38, 240}, {1, 1, 144, 40}}, "x has 240 channels but w reads 144"),
               refused(Conv2d{}, {{8, 38, 240}, {1, 1, 240, 40}}, "x must be [n,height,width,channels]"),
               refused(Conv2d{}, {{8, 38, 38, 240}, {240, 40}}, "w must be [kh,kw,in/groups,out]"),
               refused(Conv2d{.groups = 2}, {{1, 4, 4, 4}, {1, 1, 2, 3}},
                       "3 output channels do not split into 2 groups"),
               refused(Conv2d{.pad = valid}, {{1, 2, 4, 3}, {3, 3, 3, 3}},
                       "a window that reaches over 3 positions does not fit into 2"),
               refused(Conv2d{.stride = {0, 1}}, {{1, 4, 4, 3}, {3, 3, 3, 3}}, "must be positive"),
               refused(Conv2d{.pad = {-1, 0, 0, 0}}, {{1, 4, 4, 3}, {3, 3, 3, 3}}, "must not be negative")}});
  registry.add<Conv2dGradX>(
      {.equation = "dx[n, s i + d u - p, s j + d v - q, c] = sum w[u,v,c,o] dy[n,i,j,o]",
       .linear = {0, 1},
       .good = grad_x,
       .bad = {refused(Conv2dGradX{{}, {4, 4}}, {{3, 3, 3, 5}, {1, 4, 4, 6}}, "dy must be [1,4,4,5]"),
               refused(Conv2dGradX{{}, {4, 4}}, {{3, 3, 3, 5}, {4, 5}}, "must be of rank 4, not 4 and 2")}});
  registry.add<Conv2dGradW>(
      {.equation = "dw[u,v,c,o] = sum x[n, s i + d u - p, s j + d v - q, c] dy[n,i,j,o]",
       .linear = {0, 1},
       .good = grad_w,
       .bad = {refused(Conv2dGradW{{}, {3, 3}}, {{1, 4, 4, 3}, {1, 4, 3, 6}}, "dy must be [1,4,4,6]"),
               refused(Conv2dGradW{{.groups = 2}, {3, 3}}, {{1, 4, 4, 3}, {1, 4, 4, 6}},
                       "3 input channels do not split into 2 groups")}});
}

}  // namespace sonograd
