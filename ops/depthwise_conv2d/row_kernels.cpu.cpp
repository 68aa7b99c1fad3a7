#include "ops/depthwise_conv2d/row_kernels.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "tensor/simd.h"

namespace sonograd::depthwise {
namespace {

// Calls f(0), f(1), … f(N-1) with constants, so that arrays indexed by them become registers.
template <int N, class F>
SONOGRAD_INLINE void unrolled(F f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

// P neighbouring outputs at once: each x is read once and used by all outputs that it reaches.
template <int K, int S, int P>
SONOGRAD_INLINE void convolve_outputs(const Row& row, Int first) {
  const Int x_pixel = row.x_pixel, w_tap = row.w_tap, y_pixel = row.y_pixel, begin = row.begin, end = row.end;
  std::array<const float*, K> x;
  for (int u = 0; u < K; ++u) x[u] = row.x[u] + S * first * x_pixel;
  const float* const w = row.w;
  float* const y = row.y + first * y_pixel;
#pragma omp simd
  for (Int c = begin; c < end; ++c) {
    float sum[P] = {};
    unrolled<K>([&](auto u) __attribute__((always_inline)) {
      unrolled<(P - 1) * S + K>([&](auto q) __attribute__((always_inline)) {
        const float at_q = x[u][q * x_pixel + c];
        unrolled<K>([&](auto v) __attribute__((always_inline)) {
          constexpr int offset = q - v, p = offset / S;
          if constexpr (offset >= 0 && offset % S == 0 && p < P) sum[p] += at_q * w[(u * K + v) * w_tap + c];
        });
      });
    });
    unrolled<P>([&](auto p) __attribute__((always_inline)) { y[p * y_pixel + c] = sum[p]; });
  }
}

// Blocks of P; the last is moved back over outputs already made, where it writes the same values again.
template <int K, int S, int P>
SONOGRAD_INLINE bool convolve_blocks(const Row& row) {
  if (row.outputs < P) return false;
  for (Int j = 0; j < row.outputs; j += P) convolve_outputs<K, S, P>(row, std::min(j, row.outputs - P));
  return true;
}

template <int K, int S>
SONOGRAD_CLONES void convolve_row(const Row& row) {
  convolve_blocks<K, S, 7>(row) || convolve_blocks<K, S, 4>(row) || convolve_blocks<K, S, 2>(row) ||
      convolve_blocks<K, S, 1>(row);
}

// Any taps and step.
SONOGRAD_CLONES void convolve_any(const Taps& taps, const Row& row) {
  for (Int j = 0; j < row.outputs; ++j) {
    float* const y = row.y + j * row.y_pixel;
    std::fill(y + row.begin, y + row.end, 0.0f);
    for (Int u = 0; u < taps.height; ++u)
      for (Int v = 0; v < taps.width; ++v) {
        const float* const x = row.x[u] + (taps.step * j + v) * row.x_pixel;
        const float* const w = row.w + (u * taps.width + v) * row.w_tap;
#pragma omp simd
        for (Int c = row.begin; c < row.end; ++c) y[c] += x[c] * w[c];
      }
  }
}

template <int K, int S, int P>
SONOGRAD_INLINE void correlate_outputs(const Row& row, Int first) {
  const Int x_pixel = row.x_pixel, w_tap = row.w_tap, y_pixel = row.y_pixel, begin = row.begin, end = row.end;
  std::array<const float*, K> x;
  for (int u = 0; u < K; ++u) x[u] = row.x[u] + S * first * x_pixel;
  float* const w = row.w;
  const float* const y = row.y + first * y_pixel;
#pragma omp simd
  for (Int c = begin; c < end; ++c) {
    float at_y[P];
    unrolled<P>([&](auto p) __attribute__((always_inline)) { at_y[p] = y[p * y_pixel + c]; });
    unrolled<K>([&](auto u) __attribute__((always_inline)) {
      float sum[K] = {};
      unrolled<(P - 1) * S + K>([&](auto q) __attribute__((always_inline)) {
        const float at_q = x[u][q * x_pixel + c];
        unrolled<K>([&](auto v) __attribute__((always_inline)) {
          constexpr int offset = q - v, p = offset / S;
          if constexpr (offset >= 0 && offset % S == 0 && p < P) sum[v] += at_q * at_y[p];
        });
      });
      unrolled<K>([&](auto v) __attribute__((always_inline)) { w[(u * K + v) * w_tap + c] += sum[v]; });
    });
  }
}

template <int K, int S, int P>
SONOGRAD_INLINE Int correlate_blocks(const Row& row, Int first) {
  for (; first + P <= row.outputs; first += P) correlate_outputs<K, S, P>(row, first);
  return first;
}

template <int K, int S>
SONOGRAD_CLONES void correlate_row(const Row& row) {
  Int done = correlate_blocks<K, S, 7>(row, 0);
  done = correlate_blocks<K, S, 4>(row, done);
  correlate_blocks<K, S, 1>(row, done);
}

SONOGRAD_CLONES void correlate_any(const Taps& taps, const Row& row) {
  for (Int j = 0; j < row.outputs; ++j)
    for (Int u = 0; u < taps.height; ++u)
      for (Int v = 0; v < taps.width; ++v) {
        const float* const x = row.x[u] + (taps.step * j + v) * row.x_pixel;
        const float* const y = row.y + j * row.y_pixel;
        float* const w = row.w + (u * taps.width + v) * row.w_tap;
#pragma omp simd
        for (Int c = row.begin; c < row.end; ++c) w[c] += x[c] * y[c];
      }
}

}  // namespace

void convolve(const Taps& taps, const Row& row) {
  const bool square = taps.height == taps.width;
  if (square && taps.width == 2 && taps.step == 1) return convolve_row<2, 1>(row);
  if (square && taps.width == 3 && taps.step == 1) return convolve_row<3, 1>(row);
  if (square && taps.width == 5 && taps.step == 1) return convolve_row<5, 1>(row);
  if (square && taps.width == 3 && taps.step == 2) return convolve_row<3, 2>(row);
  if (square && taps.width == 5 && taps.step == 2) return convolve_row<5, 2>(row);
  convolve_any(taps, row);
}

void correlate(const Taps& taps, const Row& row) {
  const bool square = taps.height == taps.width;
  if (square && taps.width == 3 && taps.step == 1) return correlate_row<3, 1>(row);
  if (square && taps.width == 5 && taps.step == 1) return correlate_row<5, 1>(row);
  if (square && taps.width == 3 && taps.step == 2) return correlate_row<3, 2>(row);
  if (square && taps.width == 5 && taps.step == 2) return correlate_row<5, 2>(row);
  correlate_any(taps, row);
}

}  // namespace sonograd::depthwise
