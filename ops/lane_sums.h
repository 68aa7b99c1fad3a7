#pragma once
#include "base/simd.h"
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

// max x[i] over 0 … n−1, n ≥ 1
SONOGRAD_INLINE float lane_max(Int n, const float* x) {
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

}  // namespace sonograd
