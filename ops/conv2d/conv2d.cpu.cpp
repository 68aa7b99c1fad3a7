#include "ops/conv2d/conv2d.h"

#include "ops/conv2d/convolution.h"
#include "ops/matmul/multiply.h"

namespace sonograd {
namespace {

using convolution::Direction;

Tensor as_matrix(const Tensor& w) {
  return w.as_dense().reshaped({w.size(2), w.size(3)});
}

void forward(const Conv2d& conv, const Tensors& in, Tensors& out) {
  const Tensor &x = in[0], &w = in[1];
  if (conv.is_product(w.shape()))  // strided x and dy are read in place then
    multiply({.precision = conv.precision}, x, as_matrix(w), out[0]);
  else
    convolution::run(Direction::forward, conv, x.as_dense(), w.as_dense(), out[0]);
}

void grad_x(const Conv2dGradX& op, const Tensors& in, Tensors& out) {
  const Tensor &w = in[0], &dy = in[1];
  if (op.conv.is_product(w.shape()))
    multiply({.transpose_w = true, .precision = op.conv.precision}, dy, as_matrix(w), out[0]);
  else
    convolution::run(Direction::grad_x, op.conv, out[0], w.as_dense(), dy.as_dense());
}

void grad_w(const Conv2dGradW& op, const Tensors& in, Tensors& out) {
  const Tensor &x = in[0], &dy = in[1];
  if (op.conv.is_product(out[0].shape())) {
    Tensor dw = as_matrix(out[0]);
    multiply({.transpose_x = true, .sum_batch = true, .precision = op.conv.precision}, x, dy, dw);
  } else {
    convolution::run(Direction::grad_w, op.conv, x.as_dense(), out[0], dy.as_dense());
  }
}

}  // namespace

void register_conv2d_cpu(Registry& registry) {
  registry.add_cpu<Conv2d>(forward, Layout::strided);
  registry.add_cpu<Conv2dGradX>(grad_x, Layout::strided);
  registry.add_cpu<Conv2dGradW>(grad_w, Layout::strided);
}

}  // namespace sonograd
