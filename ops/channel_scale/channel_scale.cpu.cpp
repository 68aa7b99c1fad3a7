#include "ops/channel_scale/channel_scale.h"
#include "ops/row_sums.h"
#include "tensor/simd.h"

namespace sonograd {
namespace {

SONOGRAD_CLONES void scale_rows(Int rows, Int channels, const float* x, const float* s, float* y) {
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < channels; ++c) y[r * channels + c] = x[r * channels + c] * s[c];
}

SONOGRAD_CLONES void dot_rows(Int rows, Int channels, const float* x, const float* y, double* sums) {
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < channels; ++c)
      sums[c] += static_cast<double>(x[r * channels + c] * y[r * channels + c]);
}

SONOGRAD_CLONES void scale_and_dot_rows(Int rows, Int channels, const float* dy, const float* x,
                                        const float* s, float* dx, double* sums) {
  for (Int r = 0; r < rows; ++r)
    for (Int c = 0; c < channels; ++c) {
      const Int i = r * channels + c;
      sums[c] += static_cast<double>(dy[i] * x[i]);
      dx[i] = dy[i] * s[c];
    }
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
