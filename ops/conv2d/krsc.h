#pragma once
#include "tensor/tensor.h"

namespace sonograd {

// The weights [kh,kw,in/groups,out] of a convolution as [out,kh,kw,in/groups], the one order in which cuDNN
// takes them: the transpose of the matrix [kh·kw·in/groups, out]. Both on the gpu.

// Kept until w is written to, or until the next call once it is gone, so that forward and backward passes
// between two updates turn it once.
Tensor krsc_of(const Tensor& w);

// w = krsc turned back
void turn_back(const Tensor& krsc, Tensor& w);

}  // namespace sonograd
