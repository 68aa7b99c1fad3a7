#include "ops/softmax/softmax.h"
#include "ops/lane_sums.h"
#include "tensor/math.h"
#include "tensor/parallel.h"

namespace sonograd {
namespace {

// y = exp(x − max x) / Σ exp(x − max x) on one row of n values; y may be x.
SONOGRAD_INLINE void softmax_row(Int n, const float* x, float* y) {
  const float largest = lane_max(n, x);
  for (Int i = 0; i < n; ++i) y[i] = Fast::exp(x[i] - largest);
  const float scale = 1.0f / lane_sum(
                                 n, [=](Int i) __attribute__((always_inline)) { return y[i]; });
  for (Int i = 0; i < n; ++i) y[i] *= scale;
}

// dx = y · (dy − Σ y·dy) on one row; dx may be y or dy.
SONOGRAD_INLINE void softmax_grad_row(Int n, const float* y, const float* dy, float* dx) {
  const float along = lane_sum(
      n, [=](Int i) __attribute__((always_inline)) { return y[i] * dy[i]; });
  for (Int i = 0; i < n; ++i) dx[i] = y[i] * (dy[i] - along);
}

SONOGRAD_CLONES void softmax_rows(Int rows, Int n, const float* x, float* y) {
  for (Int r = 0; r < rows; ++r) softmax_row(n, x + r * n, y + r * n);
}
SONOGRAD_CLONES void softmax_grad_rows(Int rows, Int n, const float* y, const float* dy, float* dx) {
  for (Int r = 0; r < rows; ++r) softmax_grad_row(n, y + r * n, dy + r * n, dx + r * n);
}

}  // namespace

void register_softmax_cpu(Registry& registry) {
  registry.add_cpu<Softmax>([](const Softmax&, const Tensors& in, Tensors& out) {
    const float* x = in[0].data<float>();
    float* y = out[0].mutable_data<float>();
    const Int n = in[0].size(-1);
    parallel_for(in[0].elements() / n, 8192 / n,
                 [=](Int begin, Int end) { softmax_rows(end - begin, n, x + begin * n, y + begin * n); });
  });
  registry.add_cpu<SoftmaxGrad>([](const SoftmaxGrad&, const Tensors& in, Tensors& out) {
    const float *y = in[0].data<float>(), *dy = in[1].data<float>();
    float* dx = out[0].mutable_data<float>();
    const Int n = in[0].size(-1);
    parallel_for(in[0].elements() / n, 8192 / n, [=](Int begin, Int end) {
      softmax_grad_rows(end - begin, n, y + begin * n, dy + begin * n, dx + begin * n);
    });
  });
}

}  // namespace sonograd
