#pragma once
#include "tensor/math.h"
#include "tensor/shape.h"

namespace sonograd {

// Sums and maxima along a row as the compiler vectorises them without reordering: sixteen partial results,
// joined in a fixed order.
constexpr Int lanes = 16;

// term(i) summed over 0 … n−1
template <class Term>
SONOGRAD_INLINE float lane_sum(Int n, Term term) {
  float partial[lanes] = {};
  Int i = 0;
  for (; i + lanes <= n; i += lanes)
    for (Int lane = 0; lane < lanes; ++lane) partial[lane] += term(i + lane);
  for (Int lane = 0; i < n; ++i, ++lane) partial[lane] += term(i);
  for (Int half = lanes / 2; half > 0; half /= 2)
    for (Int lane = 0; lane < half; ++lane) partial[lane] += partial[lane + half];
  return partial[0];
}

SONOGRAD_INLINE float row_max(Int n, const float* x) {
  float partial[lanes];
  for (Int lane = 0; lane < lanes; ++lane) partial[lane] = x[lane < n ? lane : 0];
  Int i = 0;
  for (; i + lanes <= n; i += lanes)
    for (Int lane = 0; lane < lanes; ++lane)
      partial[lane] = x[i + lane] > partial[lane] ? x[i + lane] : partial[lane];
  for (Int lane = 0; i < n; ++i, ++lane) partial[lane] = x[i] > partial[lane] ? x[i] : partial[lane];
  for (Int half = lanes / 2; half > 0; half /= 2)
    for (Int lane = 0; lane < half; ++lane)
      partial[lane] = partial[lane + half] > partial[lane] ? partial[lane + half] : partial[lane];
  return partial[0];
}

// y = exp(x − max x) / Σ exp(x − max x) on one row of n values; y may be x.
SONOGRAD_INLINE void softmax_row(Int n, const float* x, float* y) {
  const float largest = row_max(n, x);
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

}  // namespace sonograd
