#include "ops/channel_scale/channel_scale.h"
#include "tensor/gpu/launch_columns.h"
#include "tensor/gpu/launch_fours.h"

namespace sonograd {
namespace {

void dot(const Tensor& first, const Tensor& second, Tensor& out) {
  const Int images = first.size(0), channels = first.size(-1);
  const Int positions = first.elements() / std::max<Int>(1, images * channels);
  const float *const x = first.gpu_data<float>(), *const y = second.gpu_data<float>();
  float* const s = out.mutable_gpu_data<float>();
  gpu::sum_rows<1>(
      images, positions, channels,
      [=] __device__(Int n, Int p, Int c) {
        const Int i = (n * positions + p) * channels + c;
        return gpu::Sums<1, float>{{x[i] * y[i]}};
      },
      [=] __device__(Int n, Int c, gpu::Sums<1, double> sum) {
        s[n * channels + c] = static_cast<float>(sum.of[0]);
      });
}

template <class T>
struct Read {
  T x, s;
};

// The sizes are those of an image and of its channels in T.
template <class T>
void scale_by(Int elements, Int image_size, Int channel_count, const T* x, const T* s, T* y) {
  const Divisor image(image_size), channels(channel_count);
  gpu::for_each(
      elements,
      [=] __device__(Int i) {
        return Read<T>{x[i], s[image(i).row * channels.size() + channels(i).column]};
      },
      [=] __device__(Int i, const Read<T>& at) {
        y[i] = gpu::of_each([](float x, float s) { return x * s; }, at.x, at.s);
      });
}

void scale(const Tensor& in, const Tensor& factors, Tensor& out) {
  const Int elements = in.elements(), channels = in.size(-1), image = elements / std::max<Int>(1, in.size(0));
  const float *const x = in.gpu_data<float>(), *const s = factors.gpu_data<float>();
  float* const y = out.mutable_gpu_data<float>();
  if (gpu::in_fours(channels, x, s, y))
    scale_by(elements / 4, image / 4, channels / 4, gpu::fours(x), gpu::fours(s), gpu::fours(y));
  else
    scale_by(elements, image, channels, x, s, y);
}

}  // namespace

void register_channel_scale_gpu(Registry& registry) {
  registry.add_gpu<ChannelDot>(
      [](const ChannelDot&, const Tensors& in, Tensors& out) { dot(in[0], in[1], out[0]); });
  registry.add_gpu<ChannelScale>(
      [](const ChannelScale&, const Tensors& in, Tensors& out) { scale(in[0], in[1], out[0]); });
  registry.add_gpu<ChannelScaleGrad>([](const ChannelScaleGrad&, const Tensors& in, Tensors& out) {
    scale(in[0], in[2], out[0]);
    dot(in[0], in[1], out[1]);
  });
}

}  // namespace sonograd
