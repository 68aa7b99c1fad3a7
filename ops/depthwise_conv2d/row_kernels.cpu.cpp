#include "ops/depthwise_conv2d/row_kernels.h"

#include <algorithm>
#include <array>
#include <type_traits>
#include <utility>

#include "base/simd.h"

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

constexpr Int vector = 16;  // floats

// How many neighbouring outputs are made at once: the first number of which a row has so many.
#ifdef SONOGRAD_SANITIZED
using OutputsAtOnce = std::integer_sequence<int, 2, 1>;  // checks on each access swell unrolled code
#else
using OutputsAtOnce = std::integer_sequence<int, 7, 4, 1>;
#endif

// Calls f(begin, end) for all channels in whole vectors: those left over are done with the ones before them,
// a second time.
SONOGRAD_INLINE void channel_ranges(Int channels, auto f) {
  const Int whole = channels < vector ? channels : channels / vector * vector;
  f(0, whole);
  if (whole < channels) f(channels - vector, channels);
}

// Sums for P neighbouring outputs from output `first` on, K×K taps, step S: each x is read once and used by
// all outputs that it reaches.
template <int K, int S, int P>
SONOGRAD_INLINE void convolve_outputs(const Row& row, Int first, const float* w, float* y, Int begin,
                                      Int end) {
  const Int x_pixel = row.x_pixel, w_tap = row.channels, y_pixel = row.y_pixel;
  std::array<const float*, K> x;
  for (std::size_t u = 0; u < K; ++u) x[u] = row.x[u] + S * first * x_pixel;
  y += first * y_pixel;
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

// The last P outputs are moved back over outputs already made, where they write the same values again.
template <int K, int S, int P>
SONOGRAD_INLINE bool convolve_by(const Row& row, const float* w, float* y, Int begin, Int end) {
  if (row.outputs < P) return false;
  for (Int j = 0; j < row.outputs; j += P)
    convolve_outputs<K, S, P>(row, std::min(j, row.outputs - P), w, y, begin, end);
  return true;
}

template <int K, int S, int... P>
SONOGRAD_INLINE void convolve_with(std::integer_sequence<int, P...>, const Row& row, const float* w,
                                   float* y) {
  channel_ranges(
      row.channels, [&](Int begin, Int end) __attribute__((always_inline)) {
        (void)(convolve_by<K, S, P>(row, w, y, begin, end) || ...);
      });
}
template <int K, int S>
SONOGRAD_CLONES void convolve_row(const Row& row, const float* w, float* y) {
  convolve_with<K, S>(OutputsAtOnce{}, row, w, y);
}

// Any taps and step.
SONOGRAD_CLONES void convolve_any(const Taps& taps, const Row& row, const float* w, float* y) {
  for (Int j = 0; j < row.outputs; ++j, y += row.y_pixel) {
    std::fill_n(y, row.channels, 0.0f);
    for (Int u = 0; u < taps.height; ++u)
      for (Int v = 0; v < taps.width; ++v) {
        const float* const x = row.x[u] + (taps.step * j + v) * row.x_pixel;
        const float* const w_tap = w + (u * taps.width + v) * row.channels;
#pragma omp simd
        for (Int c = 0; c < row.channels; ++c) y[c] += x[c] * w_tap[c];
      }
  }
}

template <int K, int S, int P>
SONOGRAD_INLINE void correlate_outputs(const Row& row, Int first, const float* y, float* w) {
  const Int x_pixel = row.x_pixel, w_tap = row.channels, y_pixel = row.y_pixel;
  std::array<const float*, K> x;
  for (std::size_t u = 0; u < K; ++u) x[u] = row.x[u] + S * first * x_pixel;
  y += first * y_pixel;
#pragma omp simd
  for (Int c = 0; c < w_tap; ++c) {
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

// What P does not divide is left to the smaller blocks that follow: an output must be added once.
template <int K, int S, int P>
SONOGRAD_INLINE Int correlate_by(const Row& row, Int first, const float* y, float* w) {
  for (; first + P <= row.outputs; first += P) correlate_outputs<K, S, P>(row, first, y, w);
  return first;
}

template <int K, int S, int... P>
SONOGRAD_INLINE void correlate_with(std::integer_sequence<int, P...>, const Row& row, const float* y,
                                    float* w) {
  Int done = 0;
  ((done = correlate_by<K, S, P>(row, done, y, w)), ...);
}
template <int K, int S>
SONOGRAD_CLONES void correlate_row(const Row& row, const float* y, float* w) {
  correlate_with<K, S>(OutputsAtOnce{}, row, y, w);
}

SONOGRAD_CLONES void correlate_any(const Taps& taps, const Row& row, const float* y, float* w) {
  for (Int j = 0; j < row.outputs; ++j, y += row.y_pixel)
    for (Int u = 0; u < taps.height; ++u)
      for (Int v = 0; v < taps.width; ++v) {
        const float* const x = row.x[u] + (taps.step * j + v) * row.x_pixel;
        float* const w_tap = w + (u * taps.width + v) * row.channels;
#pragma omp simd
        for (Int c = 0; c < row.channels; ++c) w_tap[c] += x[c] * y[c];
      }
}

bool is(const Taps& taps, Int size, Int step) {
  return taps.height == size && taps.width == size && taps.step == step;
}

}  // namespace

void convolve(const Taps& taps, const Row& row, const float* w, float* y) {
  if (is(taps, 2, 1)) return convolve_row<2, 1>(row, w, y);
  if (is(taps, 3, 1)) return convolve_row<3, 1>(row, w, y);
  if (is(taps, 5, 1)) return convolve_row<5, 1>(row, w, y);
  if (is(taps, 3, 2)) return convolve_row<3, 2>(row, w, y);
  if (is(taps, 5, 2)) return convolve_row<5, 2>(row, w, y);
  convolve_any(taps, row, w, y);
}

void correlate(const Taps& taps, const Row& row, const float* y, float* w) {
  if (is(taps, 3, 1)) return correlate_row<3, 1>(row, y, w);
  if (is(taps, 5, 1)) return correlate_row<5, 1>(row, y, w);
  if (is(taps, 3, 2)) return correlate_row<3, 2>(row, y, w);
  if (is(taps, 5, 2)) return correlate_row<5, 2>(row, y, w);
  correlate_any(taps, row, y, w);
}

}  // namespace sonograd::depthwise
