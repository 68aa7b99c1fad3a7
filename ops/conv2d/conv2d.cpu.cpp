#include "ops/conv2d/kernels.h"

namespace sonograd {

struct CpuLibrary {
  static constexpr auto multiply = sonograd::multiply;
  static constexpr auto convolve = convolution::run;
};

void register_conv2d_cpu(Registry& registry) {
  using Kernels = Conv2dKernels<CpuLibrary>;
  registry.add_cpu<Conv2d>(Kernels::forward, Layout::strided);
  registry.add_cpu<Conv2dGradX>(Kernels::grad_x, Layout::strided);
  registry.add_cpu<Conv2dGradW>(Kernels::grad_w, Layout::strided);
}

}  // namespace sonograd
