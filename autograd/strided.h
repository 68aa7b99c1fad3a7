#pragma once
#include "tensor/tensor.h"

namespace sonograd {

// x's values in storage that is not dense, with NaN in the gaps and around them, so that a kernel that reads
// past its view shows it.
Tensor with_gaps(const Tensor& x);      // every other element of each row; the row before and after is NaN
Tensor axes_reversed(const Tensor& x);  // column-major: what a transposed tensor looks like

}  // namespace sonograd
