#include "ops/cross_entropy/cross_entropy.h"
#include "base/math.h"
#include "base/parallel.h"
#include "ops/lane_sums.h"

namespace sonograd {
namespace {

// f(n, first element of row n) for each sample
template <class F>
void for_rows(const Tensor& x, F f) {
  const Int classes = x.size(1);
  parallel_for(x.size(0), 2048 / classes, [&](Int begin, Int end) {
    for (Int n = begin; n < end; ++n) f(n, n * classes);
  });
}

// L = log Σ exp z and Σ t
struct RowSums {
  float log_sum_exp, targets;
};
SONOGRAD_CLONES RowSums row_sums(Int classes, const float* z, const float* t) {
  const float largest = lane_max(classes, z);
  const float sum = lane_sum(
      classes, [=](Int c) __attribute__((always_inline)) { return Fast::exp(z[c] - largest); });
  return {largest + std::log(sum), lane_sum(
                                       classes, [=](Int c) __attribute__((always_inline)) { return t[c]; })};
}

SONOGRAD_CLONES float row_loss(Int classes, float log_sum, const float* z, const float* t) {
  return lane_sum(
      classes, [=](Int c) __attribute__((always_inline)) { return t[c] * (log_sum - z[c]); });
}

SONOGRAD_CLONES void row_gradients(Int classes, RowSums sums, float dloss, const float* z, const float* t,
                                   float* dz, float* dt) {
  for (Int c = 0; c < classes; ++c) {
    dz[c] = dloss * (Fast::exp(z[c] - sums.log_sum_exp) * sums.targets - t[c]);
    dt[c] = dloss * (sums.log_sum_exp - z[c]);
  }
}

void losses(const SoftmaxCrossEntropy&, const Tensors& in, Tensors& out) {
  const float *z = in[0].data<float>(), *t = in[1].data<float>();
  float* loss = out[0].mutable_data<float>();
  const Int classes = in[0].size(1);
  for_rows(in[0], [=](Int n, Int i) {
    loss[n] = row_loss(classes, row_sums(classes, z + i, t + i).log_sum_exp, z + i, t + i);
  });
}

void gradients(const SoftmaxCrossEntropyGrad&, const Tensors& in, Tensors& out) {
  const float *z = in[0].data<float>(), *t = in[1].data<float>(), *dloss = in[2].data<float>();
  float *dz = out[0].mutable_data<float>(), *dt = out[1].mutable_data<float>();
  const Int classes = in[0].size(1);
  for_rows(in[0], [=](Int n, Int i) {
    row_gradients(classes, row_sums(classes, z + i, t + i), dloss[n], z + i, t + i, dz + i, dt + i);
  });
}

// The sum over a row of q, the clipped p
float clipped_sum(const CrossEntropyFromProbabilities& op, Int classes, const float* p) {
  float sum = 0;
  for (Int c = 0; c < classes; ++c) sum += op.clipped(p[c]);
  return sum;
}

void probability_losses(const CrossEntropyFromProbabilities& op, const Tensors& in, Tensors& out) {
  const float *p = in[0].data<float>(), *t = in[1].data<float>();
  float* loss = out[0].mutable_data<float>();
  const Int classes = in[0].size(1);
  for_rows(in[0], [=](Int n, Int i) {
    const float log_sum = std::log(clipped_sum(op, classes, p + i));
    loss[n] = 0;
    for (Int c = i; c < i + classes; ++c) loss[n] += t[c] * (log_sum - std::log(op.clipped(p[c])));
  });
}

void probability_gradients(const CrossEntropyFromProbabilitiesGrad& op, const Tensors& in, Tensors& out) {
  const float *p = in[0].data<float>(), *t = in[1].data<float>(), *dloss = in[2].data<float>();
  float *dp = out[0].mutable_data<float>(), *dt = out[1].mutable_data<float>();
  const Int classes = in[0].size(1);
  const CrossEntropyFromProbabilities forward{op.epsilon};
  for_rows(in[0], [=](Int n, Int i) {
    const float sum = clipped_sum(forward, classes, p + i), log_sum = std::log(sum);
    float total = 0;
    for (Int c = i; c < i + classes; ++c) total += t[c];
    for (Int c = i; c < i + classes; ++c) {
      const float q = forward.clipped(p[c]);
      dp[c] = q == p[c] ? dloss[n] * (total / sum - t[c] / q) : 0;
      dt[c] = dloss[n] * (log_sum - std::log(q));
    }
  });
}

}  // namespace

void register_cross_entropy_cpu(Registry& registry) {
  registry.add_cpu<SoftmaxCrossEntropy>(losses);
  registry.add_cpu<SoftmaxCrossEntropyGrad>(gradients);
  registry.add_cpu<CrossEntropyFromProbabilities>(probability_losses);
  registry.add_cpu<CrossEntropyFromProbabilitiesGrad>(probability_gradients);
}

}  // namespace sonograd
