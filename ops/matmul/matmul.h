#pragma once
#include "autograd/apply.h"
#include "tensor/precision.h"

namespace sonograd {

// y[b,i,j] = Σ_k x[b,i,k] · w[b,k,j]
// x [b…,m,k] and w [b…,k,n], with b… none or up to four equal leading sizes; either may lack them and is
// then shared by all b. transpose_x reads x as [b…,k,m], transpose_w reads w as [b…,n,k]. sum_batch adds the
// products over b: y [m,n] = Σ_b x_b · w_b, what the gradient of a shared argument needs.
struct MatMul {
  static constexpr auto name = "matmul";
  static constexpr std::array arguments{"x", "w"};
  bool transpose_x = false, transpose_w = false;
  bool sum_batch = false;
  Precision precision =
      Precision::full;  // else x and w are rounded first, which the gradients take for x and w

  Shape shape(const Shape& x, const Shape& w) const {
    expect(x.rank() >= 2 && w.rank() >= 2, "x and w must be matrices or batches of them");
    const Shape batch_x = batch(x), batch_w = batch(w);
    expect(batch_x == batch_w || (!sum_batch && (batch_x.rank() == 0 || batch_w.rank() == 0)),
           "x has leading sizes {} but w has {}", batch_x.text(), batch_w.text());
    const Int k = x[transpose_x ? -2 : -1], rows_of_w = w[transpose_w ? -1 : -2];
    expect(k == rows_of_w, "x has {} columns but w has {} rows (after transposition)", k, rows_of_w);
    Shape y = sum_batch ? Shape{} : batch_x.rank() > 0 ? batch_x : batch_w;
    y.push_back(x[transpose_x ? -1 : -2]);
    y.push_back(w[transpose_w ? -2 : -1]);
    return y;
  }

  void reference(auto x, auto w, auto y) const {
    const Int k = x.shape[transpose_x ? -2 : -1];
    for_each_index(y.shape, [&](const Shape& at) { y(at) = 0; });
    for_each_index(x.shape.rank() > 2 ? batch(x.shape) : batch(w.shape), [&](const Shape& b) {
      const auto x_b = matrix(x, b, transpose_x), w_b = matrix(w, b, transpose_w);
      const auto y_b = matrix(y, b, false);
      const Int m = y_b.size(0), n = y_b.size(1);
      const auto multiply = [&](Int i, Int l, Int j) {
        y_b(i, j) += factor(precision, x_b(i, l)) * factor(precision, w_b(l, j));
      };
      for (Int i = 0; i < m; ++i)  // the innermost loop follows w as it lies in memory
        if (transpose_w)
          for (Int j = 0; j < n; ++j)
            for (Int l = 0; l < k; ++l) multiply(i, l, j);
        else
          for (Int l = 0; l < k; ++l)
            for (Int j = 0; j < n; ++j) multiply(i, l, j);
    });
  }

  Int macs(const Shape& x, const Shape&, const Shape& y) const {
    return sum_batch ? x.elements() * y[-1] : y.elements() * x[transpose_x ? -2 : -1];
  }
  Tensors vjp(const Vjp& at) const;

  static Shape batch(const Shape& shape) {
    Shape leading;
    for (int axis = 0; axis < shape.rank() - 2; ++axis) leading.push_back(shape[axis]);
    return leading;
  }
  // The b-th matrix of a batch, or the one that all share.
  template <class V>
  static V matrix(V all, const Shape& b, bool transposed) {
    const int rank = all.shape.rank(), row = rank - 2 + transposed, column = rank - 1 - transposed;
    for (int axis = 0; axis < rank - 2; ++axis) all.first += b[axis] * all.strides[axis];
    return {all.first, {all.shape[row], all.shape[column]}, {all.strides[row], all.strides[column]}};
  }
};

inline Tensor matmul(const Tensor& x, const Tensor& w, const MatMul& attributes = {}) {
  return apply(attributes, x, w);
}

// With X and W the matrices as multiplied: dX = dY·Wᵀ, dW = Xᵀ·dY; each transposed back where its argument
// was.
inline Tensors MatMul::vjp(const Vjp& at) const {
  const Tensor &x = at.x(0), &w = at.x(1), &dy = at.dy();
  Tensors d(2);
  if (at.wants(0)) {
    const bool sum = x.rank() == 2 && w.rank() > 2;
    d[0] = transpose_x ? matmul(w, dy, {transpose_w, true, sum, precision})
                       : matmul(dy, w, {false, !transpose_w, sum, precision});
  }
  if (at.wants(1)) {
    const bool sum = w.rank() == 2 && x.rank() > 2;
    d[1] = transpose_w ? matmul(dy, x, {true, transpose_x, sum, precision})
                       : matmul(x, dy, {!transpose_x, false, sum, precision});
  }
  return d;
}

}  // namespace sonograd
