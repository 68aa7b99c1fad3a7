#include "ops/upsample/upsample.h"
#include "tensor/gpu/launch.h"

namespace sonograd {
namespace {

void upsample_gpu(const Upsample& op, const Tensors& in, Tensors& out) {
  const Int factor = op.factor, height = in[0].size(1), width = in[0].size(2), channels = in[0].size(3);
  const float* const x = in[0].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel at = gpu::pixel(number, factor * height, factor * width, channels);
    y[number] = x[((at.n * height + at.row / factor) * width + at.column / factor) * channels + at.channel];
  });
}

void upsample_grad(const UpsampleGrad& op, const Tensors& in, Tensors& out) {
  const Int factor = op.factor, height = out[0].size(1), width = out[0].size(2), channels = out[0].size(3);
  const float* const dy = in[0].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int number) {
    const gpu::Pixel at = gpu::pixel(number, height, width, channels);
    float sum = 0;
    for (Int u = 0; u < factor; ++u)
      for (Int v = 0; v < factor; ++v) {
        const Int row = at.row * factor + u, column = at.column * factor + v;
        sum += dy[((at.n * factor * height + row) * factor * width + column) * channels + at.channel];
      }
    dx[number] = sum;
  });
}

}  // namespace

void register_upsample_gpu(Registry& registry) {
  registry.add_gpu<Upsample>(upsample_gpu);
  registry.add_gpu<UpsampleGrad>(upsample_grad);
}

}  // namespace sonograd
