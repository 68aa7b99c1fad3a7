#include "ops/pooling/pooling.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

struct Case {
  const char* text;
  PoolWindow pooling;
  Shape x;
};

const std::vector<Case>& cases() {
  static const std::vector<Case> all{
      {"2 by 2, valid, odd", {.size = {2, 2}, .stride = {2, 2}, .pad = valid}, {2, 7, 5, 3}},
      {"3 by 3, stride 2, same, even", {.size = {3, 3}, .stride = {2, 2}, .pad = same}, {1, 6, 8, 2}},
      {"3 by 3, stride 2, same, odd", {.size = {3, 3}, .stride = {2, 2}, .pad = same}, {1, 7, 5, 2}},
      {"3 by 3, stride 1, same", {.size = {3, 3}, .stride = {1, 1}, .pad = same}, {1, 4, 5, 2}},
      {"3 by 3, stride 2, padding 1", {.size = {3, 3}, .stride = {2, 2}, .pad = {1, 1, 1, 1}}, {1, 6, 7, 2}},
      {"2 by 3, stride 3 by 2, valid", {.size = {2, 3}, .stride = {3, 2}, .pad = valid}, {2, 5, 6, 3}},
      {"window of the whole image", {.size = {3, 4}, .stride = {1, 1}, .pad = valid}, {2, 3, 4, 2}},
      {"3 by 3, stride 2, same, fours of channels",
       {.size = {3, 3}, .stride = {2, 2}, .pad = same},
       {1, 5, 4, 8}},
      {"2 by 2, valid, four channels", {.size = {2, 2}, .stride = {2, 2}, .pad = valid}, {2, 5, 4, 4}},
      {"one cell", {.size = {1, 1}, .stride = {1, 1}, .pad = same}, {1, 1, 1, 1}}};
  return all;
}
const Case many_channels{"many channels", {.size = {3, 3}, .stride = {2, 2}, .pad = same}, {3, 11, 10, 151}};
const Case many_fours{"many fours", {.size = {3, 3}, .stride = {2, 2}, .pad = same}, {3, 11, 10, 152}};
const Case large{"257 channels, 13 by 17", {.size = {3, 3}, .stride = {2, 2}, .pad = same}, {1, 13, 17, 257}};

template <class O>
std::vector<Sample> samples() {
  std::vector<Sample> all;
  for (const Case& c : cases())
    all.push_back(sample(fmt::format("{}: {}", O::name, c.text), O{c.pooling}, {distinct(c.x)}));
  for (const Case& c : {many_channels, many_fours, large})
    all.push_back(values_only(fmt::format("{}: {}", O::name, c.text), O{c.pooling}, {uniform(c.x)}));
  all.push_back(values_only(fmt::format("{}: special values", O::name), O{}, {special_values({2, 4, 6, 3})}));
  return all;
}

std::vector<Sample> max_grad_samples() {
  std::vector<Sample> all;
  const auto add = [&](const Case& c, Input x) {
    all.push_back(sample(fmt::format("max_pool2d_grad: {}", c.text), MaxPool2dGrad{c.pooling},
                         {std::move(x), uniform(c.pooling.shape(c.x))}));
  };
  for (const Case& c : cases()) add(c, distinct(c.x));
  for (const Case& c : {many_channels, many_fours, large}) add(c, uniform(c.x));
  add({"equal values", {.size = {3, 3}, .stride = {1, 1}, .pad = same}, {1, 4, 4, 2}},
      uniform({1, 4, 4, 2}, 1, 1));
  add({"equal values in fours", {.size = {3, 3}, .stride = {1, 1}, .pad = same}, {1, 4, 4, 4}},
      uniform({1, 4, 4, 4}, 1, 1));
  add({"special values in fours", {}, {2, 4, 6, 4}}, special_values({2, 4, 6, 4}));
  add({"special values", {}, {2, 4, 6, 3}}, special_values({2, 4, 6, 3}));
  return all;
}

std::vector<Sample> average_grad_samples() {
  std::vector<Sample> all;
  const auto add = [&](const Case& c) {
    all.push_back(sample(fmt::format("average_pool2d_grad: {}", c.text),
                         AveragePool2dGrad{c.pooling, {c.x[1], c.x[2]}}, {uniform(c.pooling.shape(c.x))}));
  };
  for (const Case& c : cases()) add(c);
  for (const Case& c : {many_channels, many_fours, large}) add(c);
  return all;
}

template <class O>
std::vector<BadSample> refusals() {
  return {
      refused(O{}, {{4, 4, 3}}, "x must be [n,height,width,channels], not of rank 3"),
      refused(O{{.size = {3, 3}}}, {{1, 2, 5, 1}},
              "a window that reaches over 3 positions does not fit into 2"),
      refused(O{{.pad = {2, 0, 0, 0}}}, {{1, 4, 4, 1}}, "padding must be smaller than the window of 2 by 2")};
}

}  // namespace

void register_pooling(Registry& registry) {
  registry.add<MaxPool2d>({.equation = "y[n,i,j,c] = max of x[n,h,w,c] over the window (i,j)",
                           .good = samples<MaxPool2d>(),
                           .bad = refusals<MaxPool2d>()});
  registry.add<MaxPool2dGrad>(
      {.equation = "dx[n,h,w,c] = sum of dy[n,i,j,c] over the windows whose first maximum is at (h,w)",
       .good = max_grad_samples(),
       .bad = {refused(MaxPool2dGrad{}, {{1, 4, 4, 1}, {1, 2, 3, 1}},
                       "dy must be [1,2,2,1] for x [1,4,4,1], not [1,2,3,1]")}});
  registry.add<AveragePool2d>({.equation = "y[n,i,j,c] = mean of x[n,h,w,c] over the window (i,j)",
                               .linear = {0},
                               .good = samples<AveragePool2d>(),
                               .bad = refusals<AveragePool2d>()});
  registry.add<AveragePool2dGrad>(
      {.equation =
           "dx[n,h,w,c] = sum of dy[n,i,j,c] / (cells of the window) over the windows that cover (h,w)",
       .linear = {0},
       .good = average_grad_samples(),
       .bad = {refused(AveragePool2dGrad{{}, {4, 4}}, {{1, 2, 3, 1}},
                       "dy must be [1,2,2,1] for x [1,4,4,1], not [1,2,3,1]")}});
}

}  // namespace sonograd
