#pragma once
#include "ops/conv2d/convolution.h"

namespace sonograd::convolution {

// A convolution as products of matrices: for what cuDNN has no engine for, and of 1 × 1 taps. Row (n,i,j) of
// the columns holds the values of x that y[n,i,j] is made of, in w's order:
//
//   columns[(n,i,j), (u,v,c)] = x[n, s·i+d·u−p, s·j+d·v−q, c]      (0 outside of x)
//   y = columns · w      dcolumns = dy · wᵀ      dw = columnsᵀ · dy
//
// and dx sums what dcolumns holds of each of its elements. One group at a time, and as many images as 64 MiB
// of columns hold, at least one; sums over these are added in their order.
void run_by_columns(Direction direction, const Conv2d& conv, Tensor x, Tensor w, Tensor y);

}  // namespace sonograd::convolution
