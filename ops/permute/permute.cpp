#include "ops/permute/permute.h"

#include <algorithm>

namespace sonograd {

Shape Permute::shape(const Shape& x) const {
  std::vector<int> sorted = axes;
  std::sort(sorted.begin(), sorted.end());
  bool each_once = static_cast<int>(axes.size()) == x.rank();
  for (int axis = 0; each_once && axis < x.rank(); ++axis)
    each_once = sorted[static_cast<std::size_t>(axis)] == axis;
  expect(each_once, "axes [{}] do not name each axis of x {} once", fmt::join(axes, ","), x.text());
  Shape y;
  for (const int axis : axes) y.push_back(x[axis]);
  return y;
}

Tensor Permute::view(const Tensor& x) const {
  Strides strides;
  for (const int axis : axes) strides.push_back(x.strides()[axis]);
  return x.view(0, shape(x.shape()), strides);
}

Tensors Permute::vjp(const Vjp& at) const {
  std::vector<int> back(axes.size());
  for (std::size_t k = 0; k < axes.size(); ++k) back[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
  return {apply(Permute{back}, at.dy())};
}

void register_permute(Registry& registry) {
  registry.add<Permute>(
      {.equation = "y[i_0, i_1, ...] = x[j_0, j_1, ...], j_axes[k] = i_k",
       .linear = {0},
       .good = {sample("permute: transpose", Permute{{1, 0}}, {uniform({3, 5})}),
                sample("permute: heads first", Permute{{0, 2, 1, 3}}, {uniform({2, 3, 2, 4})}),
                sample("permute: cycle", Permute{{2, 0, 1}}, {uniform({2, 3, 4})}),
                sample("permute: unchanged", Permute{{0, 1}}, {uniform({2, 3})})},
       .bad = {refused(Permute{{0, 0}}, {{2, 3}}, "axes [0,0] do not name each axis of x [2,3] once"),
               refused(Permute{{0, 1, 2}}, {{2, 3}}, "do not name each axis")}});
}

}  // namespace sonograd
