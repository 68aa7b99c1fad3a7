#pragma once
#include "tensor/tensor.h"

namespace sonograd {

// Whether x is rows of neighbouring elements at one distance from each other, as a slice of a dense block's
// buffer is.
inline bool has_pitch(const Tensor& x) {
  if (x.strides()[-1] != 1) return false;
  for (int axis = 0; axis + 2 < x.rank(); ++axis)
    if (x.strides()[axis] != x.strides()[axis + 1] * x.size(axis + 1)) return false;
  return true;
}
inline Int pitch_of(const Tensor& x) {
  return x.rank() > 1 ? x.strides()[-2] : x.size(-1);
}

// What the kernels read: x as it is where it has a pitch, else dense; the others dense.
inline Tensors readable(const Tensors& in) {
  Tensors list{has_pitch(in[0]) ? in[0] : in[0].as_dense()};
  for (std::size_t k = 1; k < in.size(); ++k) list.push_back(in[k].as_dense());
  return list;
}

}  // namespace sonograd
