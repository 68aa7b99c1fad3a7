#include "autograd/strided.h"

#include <limits>

namespace sonograd {

Tensor with_gaps(const Tensor& x) {
  Shape wide = x.shape();
  if (wide.rank() == 0) wide.push_back(1);
  wide[-1] = 2 * wide[-1] + 1;
  wide[0] += wide.rank() > 1 ? 2 : 0;
  const Tensor buffer = Tensor::filled(wide, std::numeric_limits<double>::quiet_NaN(), x.dtype(), x.device());
  Strides strides = row_major_strides(wide);
  const Int first = 1 + (wide.rank() > 1 ? strides[0] : 0);
  if (x.rank() > 0) strides[-1] = 2;
  Tensor view = buffer.view(first, x.shape(), x.rank() > 0 ? strides : Strides{});
  view.assign(x);
  return view;
}

Tensor axes_reversed(const Tensor& x) {
  Strides strides = x.shape();
  Int step = 1;
  for (int axis = 0; axis < x.rank(); ++axis) {
    strides[axis] = step;
    step *= x.size(axis);
  }
  Tensor view = Tensor::empty(x.shape(), x.dtype(), x.device()).view(0, x.shape(), strides);
  view.assign(x);
  return view;
}

}  // namespace sonograd
