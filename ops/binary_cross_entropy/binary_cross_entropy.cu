#include "ops/binary_cross_entropy/binary_cross_entropy.h"
#include "tensor/gpu/launch.h"

namespace sonograd {
namespace {

void losses(const BinaryCrossEntropy&, const Tensors& in, Tensors& out) {
  const float *const z = in[0].gpu_data<float>(), *const t = in[1].gpu_data<float>();
  float* const loss = out[0].mutable_gpu_data<float>();
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    loss[i] = (z[i] > 0 ? z[i] : 0) - z[i] * t[i] + std::log1p(std::exp(-std::abs(z[i])));
  });
}

void gradients(const BinaryCrossEntropyGrad&, const Tensors& in, Tensors& out) {
  const float *const z = in[0].gpu_data<float>(), *const t = in[1].gpu_data<float>(),
                     *const dloss = in[2].gpu_data<float>();
  float *const dz = out[0].mutable_gpu_data<float>(), *const dt = out[1].mutable_gpu_data<float>();
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    dz[i] = dloss[i] * (1 / (1 + std::exp(-z[i])) - t[i]);
    dt[i] = -dloss[i] * z[i];
  });
}

void probability_losses(const BinaryCrossEntropyFromProbabilities& op, const Tensors& in, Tensors& out) {
  const float *const p = in[0].gpu_data<float>(), *const t = in[1].gpu_data<float>();
  float* const loss = out[0].mutable_gpu_data<float>();
  const auto forward = op;
  const auto delta = static_cast<float>(op.delta);
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    const float q = forward.clipped(p[i]);
    loss[i] = -t[i] * std::log(q + delta) - (1 - t[i]) * std::log(1 - q + delta);
  });
}

void probability_gradients(const BinaryCrossEntropyFromProbabilitiesGrad& op, const Tensors& in,
                           Tensors& out) {
  const float *const p = in[0].gpu_data<float>(), *const t = in[1].gpu_data<float>(),
                     *const dloss = in[2].gpu_data<float>();
  float *const dp = out[0].mutable_gpu_data<float>(), *const dt = out[1].mutable_gpu_data<float>();
  const BinaryCrossEntropyFromProbabilities forward{op.epsilon, op.delta};
  const auto delta = static_cast<float>(op.delta);
  gpu::for_each(in[0].elements(), [=] __device__(Int i) {
    const float q = forward.clipped(p[i]), yes = q + delta, no = 1 - q + delta;
    dp[i] = q == p[i] ? dloss[i] * ((1 - t[i]) / no - t[i] / yes) : 0;
    dt[i] = dloss[i] * (std::log(no) - std::log(yes));
  });
}

}  // namespace

void register_binary_cross_entropy_gpu(Registry& registry) {
  registry.add_gpu<BinaryCrossEntropy>(losses);
  registry.add_gpu<BinaryCrossEntropyGrad>(gradients);
  registry.add_gpu<BinaryCrossEntropyFromProbabilities>(probability_losses);
  registry.add_gpu<BinaryCrossEntropyFromProbabilitiesGrad>(probability_gradients);
}

}  // namespace sonograd
