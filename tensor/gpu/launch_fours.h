#pragma once
#include "tensor/gpu/launch.h"

// Kernels that read and write four neighbouring numbers at once, for *.cu alone: index and address are
// computed once for them. What may be one number or four is a type T: float or Four.
namespace sonograd::gpu {

struct alignas(16) Four {
  float of[4];
};
SONOGRAD_INLINE const Four* fours(const float* x) {
  return reinterpret_cast<const Four*>(x);
}
SONOGRAD_INLINE Four* fours(float* x) {
  return reinterpret_cast<Four*>(x);
}

// Whether rows of n numbers consist of fours, at all of these addresses.
template <class... Float>
bool in_fours(Int n, Float*... rows) {
  return n % 4 == 0 && ((reinterpret_cast<std::uintptr_t>(rows) % alignof(Four) == 0) && ...);
}

// f(x…), of fours number by number.
template <class F, class... X>
SONOGRAD_INLINE Four of_each(const F& f, const Four& first, const X&... rest) {
  return {{f(first.of[0], rest.of[0]...), f(first.of[1], rest.of[1]...), f(first.of[2], rest.of[2]...),
           f(first.of[3], rest.of[3]...)}};
}
template <class F, class... X>
SONOGRAD_INLINE float of_each(const F& f, float first, const X&... rest) {
  return f(first, rest...);
}

// The strides of a tensor of fours that holds the same numbers; none where its rows do not consist of fours.
inline Strides strides_of_fours(const Tensor& x) {
  Strides strides = x.strides();
  if (x.rank() == 0 || strides[-1] != 1 || !in_fours(x.size(-1), x.gpu_data<float>())) return {};
  for (int axis = 0; axis < x.rank() - 1; ++axis) {
    if (x.size(axis) != 1 && strides[axis] % 4 != 0) return {};
    strides[axis] /= 4;
  }
  return strides;
}
// Its shape.
inline Shape shape_of_fours(Shape shape) {
  shape[-1] /= 4;
  return shape;
}

}  // namespace sonograd::gpu
