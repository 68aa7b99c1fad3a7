#pragma once
#include <cmath>

#include "ops/binary/binary.h"

namespace sonograd {

// y[r,c] = exp(x[r,c] − L[r]),   L[r] = log Σ_c exp(x[r,c])
// over the last axis; r runs over all others. The row's maximum is taken off first, so no exp overflows.
struct Softmax {
  static constexpr auto name = "softmax";
  static constexpr std::array arguments{"x"};
  static constexpr Saves saves{.inputs = {false}, .outputs = {true}};

  Shape shape(const Shape& x) const {
    expect(x.rank() >= 1 && x[-1] > 0, "x {} has no last axis to sum over", x.text());
    return x;
  }

  void reference(auto x, auto y) const {
    const Int classes = x.size(x.shape.rank() - 1);
    for (Int first = 0; first < x.elements(); first += classes) {
      auto largest = x[first];
      for (Int c = 1; c < classes; ++c) largest = std::max(largest, x[first + c]);
      std::remove_cvref_t<decltype(y[0])> sum = 0;
      for (Int c = 0; c < classes; ++c) sum += std::exp(x[first + c] - largest);
      for (Int c = 0; c < classes; ++c) y[first + c] = std::exp(x[first + c] - largest) / sum;
    }
  }

  Tensors vjp(const Vjp& at) const;
};

// dx[r,c] = y[r,c] · (dy[r,c] − Σ_k y[r,k]·dy[r,k])
struct SoftmaxGrad {
  static constexpr auto name = "softmax_grad";
  static constexpr std::array arguments{"y", "dy"};

  Shape shape(const Shape& y, const Shape& dy) const {
    expect(y == dy, "y {} and dy {} differ", y.text(), dy.text());
    return Softmax{}.shape(y);
  }

  void reference(auto y, auto dy, auto dx) const {
    const Int classes = y.size(y.shape.rank() - 1);
    for (Int first = 0; first < y.elements(); first += classes) {
      std::remove_cvref_t<decltype(dx[0])> along = 0;
      for (Int c = 0; c < classes; ++c) along += y[first + c] * dy[first + c];
      for (Int c = 0; c < classes; ++c) dx[first + c] = y[first + c] * (dy[first + c] - along);
    }
  }

  Tensors vjp(const Vjp& at) const;
};

inline Tensors Softmax::vjp(const Vjp& at) const {
  return {apply(SoftmaxGrad{}, at.y(), at.dy())};
}

// The map dy → dx is its own adjoint. With u the cotangent of dx and Σ over the row,
// d/dy(y): u·(dy − Σ y·dy) − dy·Σ u·y
inline Tensors SoftmaxGrad::vjp(const Vjp& at) const {
  const Tensor &y = at.x(0), &dy = at.x(1), &u = at.dy();
  Shape per_row = y.shape();
  per_row[-1] = 1;
  Tensors gradients(2);
  if (at.wants(0)) {
    const Tensor along = sum_to(multiply(y, dy), per_row), across = sum_to(multiply(u, y), per_row);
    gradients[0] = subtract(multiply(u, subtract(dy, along)), multiply(dy, across));
  }
  if (at.wants(1)) gradients[1] = apply(SoftmaxGrad{}, y, u);
  return gradients;
}

inline Tensor softmax(const Tensor& x) {
  return apply(Softmax{}, x);
}

}  // namespace sonograd
