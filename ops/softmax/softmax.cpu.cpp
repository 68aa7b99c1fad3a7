#include "ops/softmax/softmax.h"
#include "base/math.h"
#include "base/parallel.h"
#include "ops/lane_sums.h"
#include "ops/softmax/rows.h"

namespace sonograd {
namespace {

SONOGRAD_INLINE void softmax_row(Int n, float scale, const float* x, float* y) {
  const float largest = lane_max(n, x);
  for (Int i = 0; i < n; ++i) y[i] = Fast::exp(scale * (x[i] - largest));
  const float share = 1.0f / lane_sum(
                                 n, [=](Int i) __attribute__((always_inline)) { return y[i]; });
  for (Int i = 0; i < n; ++i) y[i] *= share;
}

SONOGRAD_INLINE void softmax_grad_row(Int n, float scale, const float* y, const float* dy, float* dx) {
  const float along = lane_sum(
      n, [=](Int i) __attribute__((always_inline)) { return y[i] * dy[i]; });
  for (Int i = 0; i < n; ++i) dx[i] = scale * y[i] * (dy[i] - along);
}

SONOGRAD_CLONES void rows_forward(Int rows, Int n, float scale, const float* x, float* y) {
  for (Int r = 0; r < rows; ++r) softmax_row(n, scale, x + r * n, y + r * n);
}
SONOGRAD_CLONES void rows_back(Int rows, Int n, float scale, const float* y, const float* dy, float* dx) {
  for (Int r = 0; r < rows; ++r) softmax_grad_row(n, scale, y + r * n, dy + r * n, dx + r * n);
}

}  // namespace

void softmax_rows(Int rows, Int n, float scale, const float* x, float* y) {
  rows_forward(rows, n, scale, x, y);
}
void softmax_grad_rows(Int rows, Int n, float scale, const float* y, const float* dy, float* dx) {
  rows_back(rows, n, scale, y, dy, dx);
}

void register_softmax_cpu(Registry& registry) {
  registry.add_cpu<Softmax>([](const Softmax&, const Tensors& in, Tensors& out) {
    const float* x = in[0].data<float>();
    float* y = out[0].mutable_data<float>();
    const Int n = in[0].size(-1);
    parallel_for(in[0].elements() / n, 8192 / n,
                 [=](Int begin, Int end) { softmax_rows(end - begin, n, 1, x + begin * n, y + begin * n); });
  });
  registry.add_cpu<SoftmaxGrad>([](const SoftmaxGrad&, const Tensors& in, Tensors& out) {
    const float *y = in[0].data<float>(), *dy = in[1].data<float>();
    float* dx = out[0].mutable_data<float>();
    const Int n = in[0].size(-1);
    parallel_for(in[0].elements() / n, 8192 / n, [=](Int begin, Int end) {
      softmax_grad_rows(end - begin, n, 1, y + begin * n, dy + begin * n, dx + begin * n);
    });
  });
}

}  // namespace sonograd
