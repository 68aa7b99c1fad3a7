#include "ops/channel_scale/channel_scale.h"
#include "base/simd.h"
#include "ops/row_sums.h"

namespace sonograd {
namespace {

// y may be x.
SONOGRAD_CLONES void scale_rows(Int rows, Int channels, const float* x, const float* s, float* y) {
  for (Int r = 0; r < rows; ++r)
#pragma omp simd
    for (Int c = 0; c < channels; ++c) y[r * channels + c] = x[r * channels + c] * s[c];
}

// sums[c] += Σ_r term(c, r·channels + c): f32 over four rows, f64 beyond, so that the sums are seldom stored.
template <class Term>
SONOGRAD_INLINE void add_rows(Int rows, Int channels, Term term, double* __restrict sums) {
  Int r = 0;
  for (; r + 4 <= rows; r += 4)
    for (Int c = 0; c < channels; ++c) {
      const Int i = r * channels + c;
      const float first = term(c, i) + term(c, i + channels);
      const float second = term(c, i + 2 * channels) + term(c, i + 3 * channels);
      sums[c] += static_cast<double>(first + second);
    }
  for (; r < rows; ++r)
    for (Int c = 0; c < channels; ++c) sums[c] += static_cast<double>(term(c, r * channels + c));
}

SONOGRAD_CLONES void dot_rows(Int rows, Int channels, const float* x, const float* y, double* sums) {
  add_rows(
      rows, channels, [=](Int, Int i) __attribute__((always_inline)) { return x[i] * y[i]; }, sums);
}

SONOGRAD_CLONES void scale_and_dot_rows(Int rows, Int channels, const float* dy, const float* x,
                                        const float* s, float* __restrict dx, double* sums) {
  add_rows(
      rows, channels,
      [=](Int c, Int i) __attribute__((always_inline)) {
        dx[i] = dy[i] * s[c];
        return dy[i] * x[i];
      },
      sums);
}

// x as [images, positions, channels]
struct Positions {
  Int images, positions, channels;
  explicit Positions(const Tensor& x) : images(x.size(0)), positions(0), channels(x.size(-1)) {
    if (x.elements() > 0) positions = x.elements() / (images * channels);
  }
};

void channel_scale_cpu(const ChannelScale&, const Tensors& in, Tensors& out) {
  const Positions size(in[0]);
  const float *const x = in[0].data<float>(), *const s = in[1].data<float>();
  float* const y = out[0].mutable_data<float>();
  const Int grain = std::max<Int>(1, 8192 / std::max<Int>(1, size.channels));
  parallel_for(size.images * size.positions, grain, [&](Int begin, Int end) {
    while (begin < end) {
      const Int n = begin / size.positions, stop = std::min(end, (n + 1) * size.positions);
      const Int at = begin * size.channels;
      scale_rows(stop - begin, size.channels, x + at, s + n * size.channels, y + at);
      begin = stop;
    }
  });
}

void channel_dot_cpu(const ChannelDot&, const Tensors& in, Tensors& out) {
  const Positions size(in[0]);
  const float *const x = in[0].data<float>(), *const y = in[1].data<float>();
  sum_rows(size.images, size.positions, size.channels, out[0].mutable_data<float>(), 1,
           [&](Int n, Int begin, Int end, double* sums) {
             const Int at = (n * size.positions + begin) * size.channels;
             dot_rows(end - begin, size.channels, x + at, y + at, sums);
           });
}

void channel_scale_grad_cpu(const ChannelScaleGrad&, const Tensors& in, Tensors& out) {
  const Positions size(in[0]);
  const float *const dy = in[0].data<float>(), *const x = in[1].data<float>(), *const s = in[2].data<float>();
  float* const dx = out[0].mutable_data<float>();
  sum_rows(size.images, size.positions, size.channels, out[1].mutable_data<float>(), 1,
           [&](Int n, Int begin, Int end, double* sums) {
             const Int at = (n * size.positions + begin) * size.channels;
             scale_and_dot_rows(end - begin, size.channels, dy + at, x + at, s + n * size.channels, dx + at,
                                sums);
           });
}

}  // namespace

void register_channel_scale_cpu(Registry& registry) {
  registry.add_cpu<ChannelScale>(channel_scale_cpu);
  registry.add_cpu<ChannelDot>(channel_dot_cpu);
  registry.add_cpu<ChannelScaleGrad>(channel_scale_grad_cpu);
}

}  // namespace sonograd
