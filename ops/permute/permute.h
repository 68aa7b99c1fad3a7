#pragma once
#include <algorithm>

#include "autograd/apply.h"

namespace sonograd {

// y[i_0, i_1, …] = x[j_0, j_1, …] with j_{axes[k]} = i_k: axis k of y is axis axes[k] of x
struct Permute {
  static constexpr auto name = "permute";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<int> axes;

  Shape shape(const Shape& x) const {
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
  Tensor view(const Tensor& x) const {
    Strides strides;
    for (const int axis : axes) strides.push_back(x.strides()[axis]);
    return x.view(0, shape(x.shape()), strides);
  }
  Tensors vjp(const Vjp& at) const {
    std::vector<int> back(axes.size());
    for (std::size_t k = 0; k < axes.size(); ++k)
      back[static_cast<std::size_t>(axes[k])] = static_cast<int>(k);
    return {apply(Permute{back}, at.dy())};
  }
};

inline Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  return apply(Permute{axes}, x);
}

}  // namespace sonograd
