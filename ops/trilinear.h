#pragma once
#include "autograd/apply.h"
#include "ops/window.h"

namespace sonograd {

// A convolution and its two gradients are one trilinear form Σ x·w·dy with one argument left out, so the
// gradients of each are the two others (ops/conv2d/conv2d.md). GradX and GradW hold the convolution and the
// height and width of what they give.
//
//   op      inputs   output   cotangent, in whose place of the form it stands
//   Conv    x, w     y        dy
//   GradX   w, dy    dx       x
//   GradW   x, dy    dw       w
//
// So the names below are those of the places: in GradX's vjp, x is what at.dy() holds.
template <class GradX, class GradW, class Conv>
Tensors vjp_of_convolution(const Conv& conv, const Vjp& at) {
  const Tensor &x = at.x(0), &w = at.x(1), &dy = at.dy();
  return {at.wants(0) ? apply(GradX{conv, {x.size(1), x.size(2)}}, w, dy) : Tensor(),
          at.wants(1) ? apply(GradW{conv, {w.size(0), w.size(1)}}, x, dy) : Tensor()};
}
template <class GradW, class Conv>
Tensors vjp_of_grad_x(const Conv& conv, const Vjp& at) {
  const Tensor &w = at.x(0), &dy = at.x(1), &x = at.dy();
  return {at.wants(0) ? apply(GradW{conv, {w.size(0), w.size(1)}}, x, dy) : Tensor(),
          at.wants(1) ? apply(conv, x, w) : Tensor()};
}
template <class GradX, class Conv>
Tensors vjp_of_grad_w(const Conv& conv, const Vjp& at) {
  const Tensor &x = at.x(0), &dy = at.x(1), &w = at.dy();
  return {at.wants(0) ? apply(GradX{conv, {x.size(1), x.size(2)}}, w, dy) : Tensor(),
          at.wants(1) ? apply(conv, x, w) : Tensor()};
}

}  // namespace sonograd
