#pragma once
#include "ops/matmul/matmul.h"

namespace sonograd {

// The kernels of matmul, for ops that are products of matrices as well: they write y, dense and of the shape
// that op gives. Strided x and w are read in place where one stride of their matrices is 1.
void multiply(const MatMul& op, const Tensor& x, const Tensor& w, Tensor& y);
void multiply_on_gpu(const MatMul& op, const Tensor& x, const Tensor& w, Tensor& y);

// Where one tall product does for the whole batch, with the leading sizes folded into the rows, x, w and y
// become its matrices; a batch whose strides forbid that stays one.
void fold_batch(const MatMul& op, Tensor& x, Tensor& w, Tensor& y);

}  // namespace sonograd
