#pragma once
#include "ops/conv2d/convolution.h"

namespace sonograd::convolution {

// run() of convolution.h on the gpu: by cuDNN or, where it has no engine that works, by columns.h.
void run_on_gpu(Direction direction, Conv2d conv, Tensor x, Tensor w, Tensor y);

}  // namespace sonograd::convolution
