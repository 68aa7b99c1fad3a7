#include "ops/conv2d/conv2d.h"

#include "ops/conv2d/convolution.h"
#include "tensor/onednn.h"

namespace sonograd {
namespace {

using convolution::Direction;

// A 1x1 convolution of stride 1 without borders is a product of matrices: y [n·h·w, out] = x [n·h·w, in] · w
// [in, out].
bool is_product(const Conv2d& conv, const Shape& w) {
  const Padding& pad = conv.pad;
  return w[0] == 1 && w[1] == 1 && conv.groups == 1 && conv.stride.height == 1 && conv.stride.width == 1 &&
         pad.top + pad.bottom + pad.left + pad.right == 0;
}

template <class T>
View<T> as_matrix(T* first, const Shape& shape) {
  const Int columns = shape[3];
  return {first, {shape[0] * shape[1] * shape[2], columns}, {columns, 1}};
}
View<const float> matrix(const Tensor& x) {
  return as_matrix(x.data<float>(), x.shape());
}
View<float> output_matrix(Tensor& x) {
  return as_matrix(x.mutable_data<float>(), x.shape());
}
View<const float> transposed(const View<const float>& x) {
  return {x.first, {x.size(1), x.size(0)}, {x.strides[1], x.strides[0]}};
}

void multiply(const View<const float>& a, const View<const float>& b, const View<float>& c) {
  expect(onednn::gemm(a, b, c), "conv2d: no memory left for the library's packed copies");
}

void forward(const Conv2d& conv, const Tensors& in, Tensors& out) {
  Tensor x = in[0], w = in[1], &y = out[0];
  if (is_product(conv, w.shape()))
    multiply(matrix(x), matrix(w), output_matrix(y));
  else
    convolution::run(Direction::forward, conv, x, w, y);
}

void grad_x(const Conv2dGradX& op, const Tensors& in, Tensors& out) {
  Tensor w = in[0], dy = in[1], &dx = out[0];
  if (is_product(op.conv, w.shape()))
    multiply(matrix(dy), transposed(matrix(w)), output_matrix(dx));
  else
    convolution::run(Direction::grad_x, op.conv, dx, w, dy);
}

void grad_w(const Conv2dGradW& op, const Tensors& in, Tensors& out) {
  Tensor x = in[0], dy = in[1], &dw = out[0];
  if (is_product(op.conv, dw.shape()))
    multiply(transposed(matrix(x)), matrix(dy), output_matrix(dw));
  else
    convolution::run(Direction::grad_w, op.conv, x, dw, dy);
}

}  // namespace

void register_conv2d_cpu(Registry& registry) {
  registry.add_cpu<Conv2d>(forward);
  registry.add_cpu<Conv2dGradX>(grad_x);
  registry.add_cpu<Conv2dGradW>(grad_w);
}

}  // namespace sonograd
