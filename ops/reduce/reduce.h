#pragma once
#include "ops/binary/binary.h"
#include "ops/larger.h"
#include "ops/reshape/reshape.h"

namespace sonograd {

// y[j] = max of x[i] over the axes that `target` has with size 1; the gradient goes to the first of equal
// maxima
struct ReduceMax {
  static constexpr auto name = "reduce_max";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{};
  Shape target = {};  // x's shape with 1 on the reduced axes; left out: [], which only a number [] reduces to

  Shape shape(const Shape& x) const {
    expect(target.rank() == x.rank() && broadcast_shapes(x, target) == x, "x {} cannot be reduced to {}",
           x.text(), target.text());
    expect(x.elements() > 0, "x {} is empty, so it has no maximum", x.text());
    return target;
  }
  void reference(auto x, auto y) const {
    for_each_index(y.shape,
                   [&](const Shape& j) { y(j) = x(j); });  // the first element that goes to j has j's index
    for_each_index(x.shape, [&](const Shape& i) {
      auto& largest = y(SumTo::source_index(i, y.shape));
      largest = larger(largest, x(i));
    });
  }
  Tensors vjp(const Vjp& at) const;
};

// dx[i] = dy[j] where i is the first of the positions that hold the maximum of j, else 0
struct ReduceMaxGrad {
  static constexpr auto name = "reduce_max_grad";
  static constexpr std::array arguments{"x", "dy"};

  Shape shape(const Shape& x, const Shape& dy) const {
    ReduceMax{dy}.shape(x);  // for its rules
    return x;
  }
  void reference(auto x, auto dy, auto dx) const {
    std::vector<Shape> where(static_cast<std::size_t>(dy.elements()));
    const Strides numbers = row_major_strides(dy.shape);
    for_each_index(x.shape, [&](const Shape& i) {
      dx(i) = 0;
      const Shape j = SumTo::source_index(i, dy.shape);
      Int number = 0;
      for (int axis = 0; axis < j.rank(); ++axis) number += j[axis] * numbers[axis];
      Shape& best = where[static_cast<std::size_t>(number)];
      if (best.rank() != i.rank() || x(i) > x(best)) best = i;
    });
    for (Int number = 0; number < dy.elements(); ++number)
      dx(where[static_cast<std::size_t>(number)]) = dy[number];
  }
};

inline Tensors ReduceMax::vjp(const Vjp& at) const {
  return {apply(ReduceMaxGrad{}, at.x(), at.dy())};
}

// Sum, mean and maximum over some axes, which the result keeps with size 1 or loses.
Tensor sum(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);
Tensor mean(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);
Tensor max(const Tensor& x, const std::vector<int>& axes, bool keep_axes = false);

}  // namespace sonograd
