#include "ops/bias_activation/bias_activation.h"
#include "ops/row_sums.h"

namespace sonograd {
namespace {

// y may be x.
template <class F>
SONOGRAD_CLONES void values(F function, Int rows, Int columns, const float* x, const float* b, float* y) {
  for (Int r = 0; r < rows; ++r)
#pragma omp simd
    for (Int c = 0; c < columns; ++c) y[r * columns + c] = function.f(Fast{}, x[r * columns + c] + b[c]);
}

template <class F>
SONOGRAD_CLONES void gradients(F function, Int rows, Int columns, const float* dy, const float* x,
                               const float* b, float* dx, double* db) {
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < columns; ++c) {
      const Int i = r * columns + c;
      const float g = dy[i] * function.df(Fast{}, x[i] + b[c]);
      dx[i] = g;
      db[c] += static_cast<double>(g);
    }
}

void bias_activation_cpu(const BiasActivation& op, const Tensors& in, Tensors& out) {
  const Int columns = in[1].elements(), rows = columns == 0 ? 0 : in[0].elements() / columns;
  const float *const x = in[0].data<float>(), *const b = in[1].data<float>();
  float* const y = out[0].mutable_data<float>();
  with_activation(op.activation, [&](auto function) {
    parallel_for(rows, std::max<Int>(1, 8192 / std::max<Int>(1, columns)), [&](Int begin, Int end) {
      values(function, end - begin, columns, x + begin * columns, b, y + begin * columns);
    });
  });
}

void bias_activation_grad_cpu(const BiasActivationGrad& op, const Tensors& in, Tensors& out) {
  const Int columns = in[2].elements(), rows = columns == 0 ? 0 : in[0].elements() / columns;
  const float *const dy = in[0].data<float>(), *const x = in[1].data<float>(), *const b = in[2].data<float>();
  float *const dx = out[0].mutable_data<float>(), *const db = out[1].mutable_data<float>();
  with_activation(op.activation, [&](auto function) {
    sum_rows(1, rows, columns, db, 1, [&](Int, Int begin, Int end, double* sums) {
      const Int at = begin * columns;
      gradients(function, end - begin, columns, dy + at, x + at, b, dx + at, sums);
    });
  });
}

}  // namespace

void register_bias_activation_cpu(Registry& registry) {
  registry.add_cpu<BiasActivation>(bias_activation_cpu);
  registry.add_cpu<BiasActivationGrad>(bias_activation_grad_cpu);
}

}  // namespace sonograd
