#pragma once
#include "autograd/apply.h"

namespace sonograd {

// y[j] = Σ x[i] over all i that broadcasting sends j to
// The adjoint of broadcasting: sums the axes that `target` lacks or has with size 1.
struct SumTo {
  static constexpr auto name = "sum_to";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  Shape target;

  Shape shape(const Shape& x) const {
    expect(target.rank() <= x.rank() && broadcast_shapes(x, target) == x, "x {} is no broadcast of {}",
           x.text(), target.text());
    return target;
  }

  void reference(auto x, auto y) const {
    for_each_index(y.shape, [&](const Shape& j) { y(j) = 0; });
    for_each_index(x.shape, [&](const Shape& i) { y(source_index(i, y.shape)) += x(i); });
  }

  Tensors vjp(const Vjp& at) const;

  // Where broadcasting reads element i of the result from.
  static Shape source_index(const Shape& i, const Shape& source) {
    Shape j = source;
    for (int back = 1; back <= source.rank(); ++back) j[-back] = source[-back] == 1 ? 0 : i[-back];
    return j;
  }
};

// y[i] = x[j] with j the element that broadcasting sends to i
struct BroadcastTo {
  static constexpr auto name = "broadcast_to";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}};
  Shape target;

  Shape shape(const Shape& x) const {
    expect(x.rank() <= target.rank() && broadcast_shapes(x, target) == target,
           "x {} does not broadcast to {}", x.text(), target.text());
    return target;
  }
  // A broadcast is a view with strides 0.
  Tensor view(const Tensor& x) const {
    Strides strides = Shape::filled(target.rank(), 0);
    for (int back = 1; back <= x.rank(); ++back) strides[-back] = x.size(-back) == 1 ? 0 : x.strides()[-back];
    return x.view(0, target, strides);
  }
  Tensors vjp(const Vjp& at) const { return {apply(SumTo{at.x().shape()}, at.dy())}; }
};

inline Tensors SumTo::vjp(const Vjp& at) const {
  return {apply(BroadcastTo{at.x().shape()}, at.dy())};
}

inline Tensor sum_to(const Tensor& x, const Shape& target) {
  return x.shape() == target ? x : apply(SumTo{target}, x);
}
inline Tensor broadcast_to(const Tensor& x, const Shape& target) {
  return x.shape() == target ? x : apply(BroadcastTo{target}, x);
}

}  // namespace sonograd
