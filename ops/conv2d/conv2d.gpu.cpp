#include "ops/conv2d/convolution.h"
#include "ops/conv2d/kernels.h"

namespace sonograd {

struct GpuLibrary {
  static constexpr auto multiply = multiply_on_gpu;
  static constexpr auto convolve = convolution::run_on_gpu;
};

void register_conv2d_gpu(Registry& registry) {
  using Kernels = Conv2dKernels<GpuLibrary>;
  registry.add_gpu<Conv2d>(Kernels::forward, Layout::strided);
  registry.add_gpu<Conv2dGradX>(Kernels::grad_x, Layout::strided);
  registry.add_gpu<Conv2dGradW>(Kernels::grad_w, Layout::strided);
}

}  // namespace sonograd
