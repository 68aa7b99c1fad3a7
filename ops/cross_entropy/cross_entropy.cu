#include "ops/cross_entropy/cross_entropy.h"
#include "tensor/gpu/launch.h"

namespace sonograd {
namespace {

// log Σ_k exp z[k]; a thread takes a row, as there are few classes.
SONOGRAD_INLINE float log_sum_exp(const float* z, Int classes) {
  float largest = z[0], sum = 0;
  for (Int k = 1; k < classes; ++k) largest = z[k] > largest ? z[k] : largest;
  for (Int k = 0; k < classes; ++k) sum += std::exp(z[k] - largest);
  return largest + std::log(sum);
}

void losses(const SoftmaxCrossEntropy&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(1);
  const float *const logits = in[0].gpu_data<float>(), *const targets = in[1].gpu_data<float>();
  float* const loss = out[0].mutable_gpu_data<float>();
  gpu::for_each(in[0].size(0), [=] __device__(Int n) {
    const float *const z = logits + n * classes, *const t = targets + n * classes;
    const float l = log_sum_exp(z, classes);
    float sum = 0;
    for (Int c = 0; c < classes; ++c) sum += t[c] * (l - z[c]);
    loss[n] = sum;
  });
}

void gradients(const SoftmaxCrossEntropyGrad&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(1);
  const float *const logits = in[0].gpu_data<float>(), *const targets = in[1].gpu_data<float>(),
                     *const dloss = in[2].gpu_data<float>();
  float *const dlogits = out[0].mutable_gpu_data<float>(), *const dtargets = out[1].mutable_gpu_data<float>();
  gpu::for_each(in[0].size(0), [=] __device__(Int n) {
    const float *const z = logits + n * classes, *const t = targets + n * classes;
    const float l = log_sum_exp(z, classes);
    float total = 0;
    for (Int k = 0; k < classes; ++k) total += t[k];
    for (Int c = 0; c < classes; ++c) {
      dlogits[n * classes + c] = dloss[n] * (std::exp(z[c] - l) * total - t[c]);
      dtargets[n * classes + c] = dloss[n] * (l - z[c]);
    }
  });
}

SONOGRAD_INLINE float clipped_sum(const CrossEntropyFromProbabilities& op, const float* p, Int classes) {
  float sum = 0;
  for (Int k = 0; k < classes; ++k) sum += op.clipped(p[k]);
  return sum;
}

void probability_losses(const CrossEntropyFromProbabilities& op, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(1);
  const float *const probabilities = in[0].gpu_data<float>(), *const targets = in[1].gpu_data<float>();
  float* const loss = out[0].mutable_gpu_data<float>();
  const auto forward = op;
  gpu::for_each(in[0].size(0), [=] __device__(Int n) {
    const float *const p = probabilities + n * classes, *const t = targets + n * classes;
    const float log_sum = std::log(clipped_sum(forward, p, classes));
    float sum = 0;
    for (Int c = 0; c < classes; ++c) sum += t[c] * (log_sum - std::log(forward.clipped(p[c])));
    loss[n] = sum;
  });
}

void probability_gradients(const CrossEntropyFromProbabilitiesGrad& op, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(1);
  const float *const probabilities = in[0].gpu_data<float>(), *const targets = in[1].gpu_data<float>(),
                     *const dloss = in[2].gpu_data<float>();
  float *const dp = out[0].mutable_gpu_data<float>(), *const dt = out[1].mutable_gpu_data<float>();
  const CrossEntropyFromProbabilities forward{op.epsilon};
  gpu::for_each(in[0].size(0), [=] __device__(Int n) {
    const float *const p = probabilities + n * classes, *const t = targets + n * classes;
    const float sum = clipped_sum(forward, p, classes);
    float total = 0;
    for (Int k = 0; k < classes; ++k) total += t[k];
    for (Int c = 0; c < classes; ++c) {
      const float q = forward.clipped(p[c]);
      dp[n * classes + c] = q == p[c] ? dloss[n] * (total / sum - t[c] / q) : 0;
      dt[n * classes + c] = dloss[n] * (std::log(sum) - std::log(q));
    }
  });
}

}  // namespace

void register_cross_entropy_gpu(Registry& registry) {
  registry.add_gpu<SoftmaxCrossEntropy>(losses);
  registry.add_gpu<SoftmaxCrossEntropyGrad>(gradients);
  registry.add_gpu<CrossEntropyFromProbabilities>(probability_losses);
  registry.add_gpu<CrossEntropyFromProbabilitiesGrad>(probability_gradients);
}

}  // namespace sonograd
