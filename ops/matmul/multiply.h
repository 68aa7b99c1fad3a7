#pragma once
#include "ops/matmul/matmul.h"

namespace sonograd {

// The cpu kernel of matmul, for ops that are products of matrices as well: writes y, dense and of the shape
// that op gives. Strided x and w are read in place where one stride of their matrices is 1.
void multiply(const MatMul& op, const Tensor& x, const Tensor& w, Tensor& y);

}  // namespace sonograd
