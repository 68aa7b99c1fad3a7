#include "ops/binary_cross_entropy/binary_cross_entropy.h"
#include "base/math.h"
#include "base/parallel.h"

namespace sonograd {
namespace {

constexpr Int grain = 4096;  // elements a thread takes at least

SONOGRAD_CLONES void logit_gradients(Int n, const float* z, const float* t, const float* dloss, float* dz,
                                     float* dt) {
  for (Int i = 0; i < n; ++i) {
    dz[i] = dloss[i] * (1.0f / (1.0f + Fast::exp(-z[i])) - t[i]);
    dt[i] = -dloss[i] * z[i];
  }
}

void losses(const BinaryCrossEntropy&, const Tensors& in, Tensors& out) {
  const float *z = in[0].data<float>(), *t = in[1].data<float>();
  float* loss = out[0].mutable_data<float>();
  parallel_for(in[0].elements(), grain, [=](Int begin, Int end) {
    for (Int i = begin; i < end; ++i)
      loss[i] = (z[i] > 0 ? z[i] : 0) - z[i] * t[i] + std::log1p(std::exp(-std::abs(z[i])));
  });
}

void gradients(const BinaryCrossEntropyGrad&, const Tensors& in, Tensors& out) {
  const float *z = in[0].data<float>(), *t = in[1].data<float>(), *dloss = in[2].data<float>();
  float *dz = out[0].mutable_data<float>(), *dt = out[1].mutable_data<float>();
  parallel_for(in[0].elements(), grain, [=](Int begin, Int end) {
    logit_gradients(end - begin, z + begin, t + begin, dloss + begin, dz + begin, dt + begin);
  });
}

void probability_losses(const BinaryCrossEntropyFromProbabilities& op, const Tensors& in, Tensors& out) {
  const float *p = in[0].data<float>(), *t = in[1].data<float>(), delta = static_cast<float>(op.delta);
  float* loss = out[0].mutable_data<float>();
  parallel_for(in[0].elements(), grain, [=](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      const float q = op.clipped(p[i]);
      loss[i] = -t[i] * std::log(q + delta) - (1 - t[i]) * std::log(1 - q + delta);
    }
  });
}

void probability_gradients(const BinaryCrossEntropyFromProbabilitiesGrad& op, const Tensors& in,
                           Tensors& out) {
  const float *p = in[0].data<float>(), *t = in[1].data<float>(), *dloss = in[2].data<float>();
  float *dp = out[0].mutable_data<float>(), *dt = out[1].mutable_data<float>();
  const BinaryCrossEntropyFromProbabilities forward{op.epsilon, op.delta};
  const float delta = static_cast<float>(op.delta);
  parallel_for(in[0].elements(), grain, [=](Int begin, Int end) {
    for (Int i = begin; i < end; ++i) {
      const float q = forward.clipped(p[i]), yes = q + delta, no = 1 - q + delta;
      dp[i] = q == p[i] ? dloss[i] * ((1 - t[i]) / no - t[i] / yes) : 0;
      dt[i] = dloss[i] * (std::log(no) - std::log(yes));
    }
  });
}

}  // namespace

void register_binary_cross_entropy_cpu(Registry& registry) {
  registry.add_cpu<BinaryCrossEntropy>(losses);
  registry.add_cpu<BinaryCrossEntropyGrad>(gradients);
  registry.add_cpu<BinaryCrossEntropyFromProbabilities>(probability_losses);
  registry.add_cpu<BinaryCrossEntropyFromProbabilitiesGrad>(probability_gradients);
}

}  // namespace sonograd
