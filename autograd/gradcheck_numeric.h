#pragma once
#include <functional>
#include <vector>

#include "tensor/dtype.h"

namespace sonograd {

struct Derivative {
  std::vector<double> value;
  double noise = 0;      // what rounding alone may put into a value
  bool settled = false;  // false: the extrapolations of no step agree, as at a kink or a jump
};

// d g(h) / d h at h = 0 of each of g's values, in the arithmetic of `dtype`; `scale` is the size of the
// numbers that g's values are computed from. The error of the result is below tolerance/10 of it, plus
// `noise`, where it settled.
Derivative differentiate(const std::function<std::vector<double>(double h)>& g, double scale, DType dtype,
                         double tolerance);

}  // namespace sonograd
