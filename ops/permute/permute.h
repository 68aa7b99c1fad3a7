#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[i_0, i_1, …] = x[j_0, j_1, …] with j_{axes[k]} = i_k: axis k of y is axis axes[k] of x
struct Permute {
  static constexpr auto name = "permute";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<int> axes;

  Shape shape(const Shape& x) const;
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Vjp& at) const;
};

inline Tensor permute(const Tensor& x, const std::vector<int>& axes) {
  return apply(Permute{axes}, x);
}

}  // namespace sonograd
