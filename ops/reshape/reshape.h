#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[j] = x[i] with i and j the same row-major number
// A dense tensor is not copied: the result is a view of it.
struct Reshape {
  static constexpr auto name = "reshape";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  Shape target;

  Shape shape(const Shape& x) const {
    expect(x.elements() == target.elements(), "x {} has {} elements but {} has {}", x.text(), x.elements(),
           target.text(), target.elements());
    return target;
  }
  Tensor view(const Tensor& x) const { return x.as_dense().reshaped(target); }
  Tensors vjp(const Vjp& at) const { return {apply(Reshape{at.x().shape()}, at.dy())}; }
};

inline Tensor reshape(const Tensor& x, const Shape& target) {
  return x.shape() == target ? x : apply(Reshape{target}, x);
}

}  // namespace sonograd
