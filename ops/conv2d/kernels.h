#pragma once
#include "ops/conv2d/convolution.h"
#include "ops/matmul/multiply.h"

namespace sonograd {

// The fast kernels of the three ops, by a device's product of matrices and its convolution of dense tensors:
//   Library::multiply(MatMul, x, w, y)   Library::convolve(direction, conv, x, w, y)
// Products read strided x and dy in place.
template <class Library>
struct Conv2dKernels {
  static Tensor as_matrix(const Tensor& w) { return w.as_dense().reshaped({w.size(2), w.size(3)}); }

  static void forward(const Conv2d& conv, const Tensors& in, Tensors& out) {
    const Tensor &x = in[0], &w = in[1];
    if (conv.is_product(w.shape()))
      Library::multiply({.precision = conv.precision}, x, as_matrix(w), out[0]);
    else
      Library::convolve(convolution::Direction::forward, conv, x.as_dense(), w.as_dense(), out[0]);
  }

  static void grad_x(const Conv2dGradX& op, const Tensors& in, Tensors& out) {
    const Tensor &w = in[0], &dy = in[1];
    if (op.conv.is_product(w.shape()))
      Library::multiply({.transpose_w = true, .precision = op.conv.precision}, dy, as_matrix(w), out[0]);
    else
      Library::convolve(convolution::Direction::grad_x, op.conv, out[0], w.as_dense(), dy.as_dense());
  }

  static void grad_w(const Conv2dGradW& op, const Tensors& in, Tensors& out) {
    const Tensor &x = in[0], &dy = in[1];
    if (op.conv.is_product(out[0].shape())) {
      Tensor dw = as_matrix(out[0]);
      Library::multiply({.transpose_x = true, .sum_batch = true, .precision = op.conv.precision}, x, dy, dw);
    } else {
      Library::convolve(convolution::Direction::grad_w, op.conv, x.as_dense(), out[0], dy.as_dense());
    }
  }
};

}  // namespace sonograd
