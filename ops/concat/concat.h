#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y = x0, then x1, then … along one axis
struct Concat {
  static constexpr auto name = "concat";
  static constexpr Saves saves{.inputs = {false, false, false, false, false, false}};
  int axis = -1;

  Shape shape(const Shapes& x) const;
  void reference(auto xs, auto y) const {
    const int along = axis < 0 ? axis + y.shape.rank() : axis;
    Int begin = 0;
    for (const auto& x : xs) {
      for_each_index(x.shape, [&](const Shape& i) {
        Shape j = i;
        j[along] += begin;
        y(j) = x(i);
      });
      begin += x.size(along);
    }
  }
  Tensors vjp(const Vjp& at) const;
};

inline Tensor concat(const Tensors& xs, int axis = -1) {
  return apply_all(Concat{axis}, xs)[0];
}

}  // namespace sonograd
