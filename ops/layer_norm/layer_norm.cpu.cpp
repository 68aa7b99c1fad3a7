#include "ops/layer_norm/layer_norm.h"
#include "ops/lane_sums.h"
#include "ops/row_sums.h"

namespace sonograd {
namespace {

struct RowStatistics {
  float mean, scale;  // μ, 1/√(σ² + ε)
};
SONOGRAD_INLINE RowStatistics statistics(Int n, const float* x, float epsilon) {
  const float count = static_cast<float>(n);
  const float mean = lane_sum(
                         n, [=](Int c) __attribute__((always_inline)) { return x[c]; }) /
                     count;
  const float squares = lane_sum(
      n, [=](Int c) __attribute__((always_inline)) {
        const float centred = x[c] - mean;
        return centred * centred;
      });
  return {mean, 1.0f / std::sqrt(squares / count + epsilon)};
}

SONOGRAD_CLONES void normalise_rows(Int rows, Int n, float epsilon, const float* x, const float* gamma,
                                    const float* beta, float* __restrict y) {
  for (Int r = 0; r < rows; ++r, x += n, y += n) {
    const RowStatistics row = statistics(n, x, epsilon);
    for (Int c = 0; c < n; ++c) y[c] = (x[c] - row.mean) * row.scale * gamma[c] + beta[c];
  }
}

// dx of each row; adds the row's part to dgamma and dbeta.
SONOGRAD_CLONES void gradient_rows(Int rows, Int n, float epsilon, const float* x, const float* gamma,
                                   const float* dy, float* __restrict dx, double* __restrict dgamma,
                                   double* __restrict dbeta) {
  const float count = static_cast<float>(n);
  for (Int r = 0; r < rows; ++r, x += n, dy += n, dx += n) {
    const RowStatistics row = statistics(n, x, epsilon);
    const float mean = lane_sum(
                           n, [=](Int c) __attribute__((always_inline)) { return gamma[c] * dy[c]; }) /
                       count;
    const float along = lane_sum(
                            n, [=
    ](Int c) __attribute__((always_inline)) { return gamma[c] * dy[c] * ((x[c] - row.mean) * row.scale); }) /
                        count;
    for (Int c = 0; c < n; ++c) {
      const float normalised = (x[c] - row.mean) * row.scale;
      dx[c] = row.scale * (gamma[c] * dy[c] - mean - normalised * along);
      dgamma[c] += dy[c] * normalised;
      dbeta[c] += dy[c];
    }
  }
}

void forward(const LayerNorm& op, const Tensors& in, Tensors& out) {
  const float *x = in[0].data<float>(), *gamma = in[1].data<float>(), *beta = in[2].data<float>();
  float* y = out[0].mutable_data<float>();
  const Int n = in[0].size(-1);
  parallel_for(in[0].elements() / n, 16384 / n, [=, &op](Int begin, Int end) {
    normalise_rows(end - begin, n, static_cast<float>(op.epsilon), x + begin * n, gamma, beta, y + begin * n);
  });
}

void backward(const LayerNormGrad& op, const Tensors& in, Tensors& out) {
  const float *x = in[0].data<float>(), *gamma = in[1].data<float>(), *dy = in[2].data<float>();
  float *dx = out[0].mutable_data<float>(), *dgamma = out[1].mutable_data<float>(),
        *dbeta = out[2].mutable_data<float>();
  const Int n = in[0].size(-1);
  std::vector<float> both(static_cast<std::size_t>(2 * n));
  sum_rows(1, in[0].elements() / n, 2 * n, both.data(), 1, [&](Int, Int begin, Int end, double* sums) {
    gradient_rows(end - begin, n, static_cast<float>(op.epsilon), x + begin * n, gamma, dy + begin * n,
                  dx + begin * n, sums, sums + n);
  });
  std::copy(both.begin(), both.begin() + n, dgamma);
  std::copy(both.begin() + n, both.end(), dbeta);
}

}  // namespace

void register_layer_norm_cpu(Registry& registry) {
  registry.add_cpu<LayerNorm>(forward);
  registry.add_cpu<LayerNormGrad>(backward);
}

}  // namespace sonograd
