#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[i] = x[i - before] where that lies inside x, else 0 (Keras' ZeroPadding2D with the amounts of its two
// spatial axes)
struct Pad {
  static constexpr auto name = "pad";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<Int> before, after;  // zeros put on each side, per axis

  Shape shape(const Shape& x) const;
  void reference(auto x, auto y) const {
    for_each_index(y.shape, [&](const Shape& i) { y(i) = 0; });
    for_each_index(x.shape, [&](const Shape& i) {
      Shape j = i;
      for (int axis = 0; axis < i.rank(); ++axis) j[axis] += before[static_cast<std::size_t>(axis)];
      y(j) = x(i);
    });
  }
  Tensors vjp(const Vjp& at) const;
};

// y[i] = x[i + begin] for i below end - begin: the adjoint of padding with zeros
struct Slice {
  static constexpr auto name = "slice";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  std::vector<Int> begin, end;  // per axis; end is not part of the slice

  Shape shape(const Shape& x) const;
  Tensor view(const Tensor& x) const;
  Tensors vjp(const Vjp& at) const;
};

inline Tensor pad(const Tensor& x, const std::vector<Int>& before, const std::vector<Int>& after) {
  return apply(Pad{before, after}, x);
}
// Zeros around height and width of [batch, height, width, channels].
inline Tensor zero_pad2d(const Tensor& x, Int top, Int bottom, Int left, Int right) {
  return pad(x, {0, top, left, 0}, {0, bottom, right, 0});
}
Tensor slice(const Tensor& x, int axis, Int begin, Int end);

}  // namespace sonograd
