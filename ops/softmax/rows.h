#pragma once
#include "tensor/shape.h"

namespace sonograd {

// The kernels of softmax, for ops that it is a part of: rows of n values one after the other, by one thread.
// y = exp(scale·x − max) / Σ exp(scale·x − max), scale > 0; y may be x.
void softmax_rows(Int rows, Int n, float scale, const float* x, float* y);
// dx = scale · y · (dy − Σ y·dy); dx may be y or dy.
void softmax_grad_rows(Int rows, Int n, float scale, const float* y, const float* dy, float* dx);

}  // namespace sonograd
