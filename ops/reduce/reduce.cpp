#include "ops/reduce/reduce.h"

#include "autograd/define_op.h"

namespace sonograd {
namespace {

Shape with_ones(Shape shape, const std::vector<int>& axes) {
  for (const int axis : axes) shape[axis] = 1;
  return shape;
}

Tensor without_axes(const Tensor& y, const Shape& x, const std::vector<int>& axes) {
  std::vector<bool> lost(static_cast<std::size_t>(x.rank()), false);
  for (const int axis : axes) lost[static_cast<std::size_t>(axis < 0 ? axis + x.rank() : axis)] = true;
  Shape shape;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (!lost[static_cast<std::size_t>(axis)]) shape.push_back(x[axis]);
  return reshape(y, shape);
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const Tensor y = sum_to(x, with_ones(x.shape(), axes));
  return keep_axes ? y : without_axes(y, x.shape(), axes);
}

Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const Tensor total = sum(x, axes, keep_axes);
  const double count = static_cast<double>(x.elements()) / static_cast<double>(total.elements());
  return multiply(total, scalar_like(x, 1 / count));
}

Tensor max(const Tensor& x, const std::vector<int>& axes, bool keep_axes) {
  const Tensor y = apply(ReduceMax{with_ones(x.shape(), axes)}, x);
  return keep_axes ? y : without_axes(y, x.shape(), axes);
}

void register_reduce(Registry& registry) {
  registry.add<ReduceMax>(
      {.equation = "y[j] = max of x[i] over the reduced axes",
       .linear = {},
       .good = {sample("reduce_max: rows", ReduceMax{{1, 5}}, {distinct({4, 5})}),
                sample("reduce_max: positions", ReduceMax{{2, 1, 1, 3}}, {distinct({2, 3, 3, 3})}),
                sample("reduce_max: everything", ReduceMax{{1, 1}}, {distinct({3, 4})}),
                sample("reduce_max: every other axis", ReduceMax{{1, 3, 1, 5}}, {distinct({2, 3, 4, 5})}),
                values_only("reduce_max: many positions", ReduceMax{{3, 1, 1, 20}},
                            {uniform({3, 31, 29, 20})}),
                values_only("reduce_max: 257 rows of 521", ReduceMax{{257, 1}}, {uniform({257, 521})}),
                values_only("reduce_max: ties", ReduceMax{{1, 6}}, {special_values({6, 6})})},
       .bad = {refused(ReduceMax{{2, 2}}, {{2, 3}}, "do not broadcast"),
               refused(ReduceMax{{3}}, {{2, 3}}, "x [2,3] cannot be reduced to [3]")}});
  registry.add<ReduceMaxGrad>({.equation = "dx[i] = dy[j] at the first maximum, else 0",
                               .linear = {1},
                               .good = {values_only("reduce_max_grad: positions", ReduceMaxGrad{},
                                                    {distinct({2, 3, 3, 3}), uniform({2, 1, 1, 3})}),
                                        values_only("reduce_max_grad: every other axis", ReduceMaxGrad{},
                                                    {distinct({2, 3, 4, 5}), uniform({1, 3, 1, 5})}),
                                        values_only("reduce_max_grad: many positions", ReduceMaxGrad{},
                                                    {uniform({3, 31, 29, 20}), uniform({3, 1, 1, 20})}),
                                        values_only("reduce_max_grad: 257 rows of 521", ReduceMaxGrad{},
                                                    {uniform({257, 521}), uniform({257, 1})}),
                                        values_only("reduce_max_grad: ties", ReduceMaxGrad{},
                                                    {special_values({6, 6}), uniform({1, 6})})},
                               .bad = {refused(ReduceMaxGrad{}, {{2, 3}, {2, 2}}, "do not broadcast")}});
}

}  // namespace sonograd
