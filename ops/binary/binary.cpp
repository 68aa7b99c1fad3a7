#include "ops/binary/binary.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

template <class O>
std::vector<Sample> samples(bool divides) {
  const std::string name = O::name;
  const auto second = [&](Shape shape) { return divides ? away_from(shape, 0, 0.5) : uniform(shape); };
  return {sample(name + ": same shape", O{}, {uniform({3, 5}), second({3, 5})}),
          sample(name + ": row over rows", O{}, {uniform({3, 5}), second({5})}),
          sample(name + ": both broadcast", O{}, {uniform({4, 1, 3}), second({2, 1})}),
          sample(name + ": per image and channel", O{}, {uniform({2, 3, 3, 4}), second({2, 1, 1, 4})}),
          sample(name + ": scalar", O{}, {uniform({2, 3}), second({})}),
          sample(name + ": one element", O{}, {uniform({1}), second({1})}),
          values_only(name + ": many elements", O{}, {uniform({37, 1001}), second({37, 1001})}),
          values_only(name + ": many fours", O{}, {uniform({36, 1000}), second({36, 1000})}),
          values_only(name + ": a row of fours over rows, a factor each", O{},
                      {uniform({9, 1, 52}), second({3, 1})}),
          values_only(name + ": short row over many rows", O{}, {uniform({9, 1201, 3}), second({3})}),
          values_only(name + ": many rows, a factor each", O{}, {uniform({3, 1, 2000}), second({3, 7, 1})}),
          values_only(name + ": special values", O{},
                      {special_values({4, 6}), divides ? uniform({4, 6}, 1, 2) : special_values({6})})};
}

template <class O>
std::vector<BadSample> refusals() {
  return {refused(O{}, {{3, 4}, {3, 5}}, "[3,4] and [3,5] do not broadcast: axis -1 has 4 against 5"),
          refused(O{}, {{2, 3}}, "takes 2 inputs, got 1")};
}

}  // namespace

void register_binary(Registry& registry) {
  registry.add<Add>(
      {.equation = "z[i] = x[i] + y[i]", .linear = {}, .good = samples<Add>(false), .bad = refusals<Add>()});
  registry.add<Subtract>({.equation = "z[i] = x[i] - y[i]",
                          .linear = {},
                          .good = samples<Subtract>(false),
                          .bad = refusals<Subtract>()});
  registry.add<Multiply>({.equation = "z[i] = x[i] * y[i]",
                          .linear = {0, 1},
                          .good = samples<Multiply>(false),
                          .bad = refusals<Multiply>()});
  registry.add<Divide>({.equation = "z[i] = x[i] / y[i]",
                        .linear = {0},
                        .good = samples<Divide>(true),
                        .bad = refusals<Divide>()});
}

}  // namespace sonograd
