#pragma once
#include <string>

#include "ops/conv2d/conv2d.h"

namespace sonograd {

// The library's convolution on dense tensors, for all but products of matrices (kernels.h).
// x [n,height,width,in], w [kh,kw,in/groups,out], y [n,·,·,out].
namespace convolution {

enum class Direction { forward, grad_x, grad_w };

// Writes that of x, w and y which the direction names from the other two. Throws Error where the library
// refuses.
void run(Direction direction, Conv2d conv, Tensor x, Tensor w, Tensor y);
// The same on the gpu: by cuDNN or, where it has no engine that is taken and for 1 × 1 taps, by columns.h.
void run_on_gpu(Direction direction, Conv2d conv, Tensor x, Tensor w, Tensor y);

// For a library that multiplies no numbers of 16 bits: what the direction reads is rounded, in f32, and conv
// then multiplies it as it is.
void round_factors(Direction direction, Conv2d& conv, Tensor& x, Tensor& w, Tensor& y);

// Which of its kernels the library takes, for example "jit:avx512_core"; "ref" in it marks the slow ones.
std::string kernel_name(Direction direction, const Conv2d& conv, const Shape& x, const Shape& w);

}  // namespace convolution
}  // namespace sonograd
