#pragma once
#include "layers/conv.h"

namespace sonograd {

// conv2d(upsample(x), w) for x [n,h,w,in] and w [3,3,in,out] with `same` padding, for 16/36 of the
// multiplications: output (2i + a, 2j + b) reads at most 2 x 2 different pixels of x, from (i + a - 1, j + b
// - 1) on, each under the sum of the weights that fall on it. Along one axis, with k the weights:
//
//   a = 0:  [k0, k1 + k2]      a = 1:  [k0 + k1, k2]
Tensor upsampled_conv2d(const Tensor& x, const Tensor& w, Precision precision = Precision::full);

// A 3 x 3 convolution of stride 1 on the map upsampled by 2 (nearest): as upsampled_conv2d where the context
// fuses, else as the two ops that it stands for.
struct UpsampledConv {
  static constexpr auto kind = "UpsampledConv";
  Conv conv;

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit) { conv.visit(visit); }
};

}  // namespace sonograd
