#include "ops/bias_activation/bias_activation.h"
#include "tensor/gpu/launch_columns.h"
#include "tensor/gpu/launch_fours.h"

namespace sonograd {
namespace {

template <class T>
struct Read {
  T x, b, dy;
};

template <class F, class T>
void value(F function, Int elements, Int channel_count, const T* x, const T* b, T* y) {
  const Divisor channels(channel_count);
  gpu::for_each(
      elements,
      [=] __device__(Int i) {
        return Read<T>{x[i], b[channels(i).column], {}};
      },
      [=] __device__(Int i, const Read<T>& at) {
        y[i] = gpu::of_each([=](float x, float b) { return function.f(Fast{}, x + b); }, at.x, at.b);
      });
}

template <class F, class T>
void gradient(F function, Int elements, Int channel_count, const T* dy, const T* x, const T* b, T* dx) {
  const Divisor channels(channel_count);
  gpu::for_each(
      elements,
      [=] __device__(Int i) {
        return Read<T>{x[i], b[channels(i).column], dy[i]};
      },
      [=] __device__(Int i, const Read<T>& at) {
        dx[i] = gpu::of_each([=](float dy, float x, float b) { return dy * function.df(Fast{}, x + b); },
                             at.dy, at.x, at.b);
      });
}

void bias_activation_gpu(const BiasActivation& op, const Tensors& in, Tensors& out) {
  const Int elements = in[0].elements(), channels = in[1].elements();
  const float *const x = in[0].gpu_data<float>(), *const b = in[1].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  const bool fours = gpu::in_fours(channels, x, b, y);
  with_activation(op.activation, [&](auto function) {
    fours ? value(function, elements / 4, channels / 4, gpu::fours(x), gpu::fours(b), gpu::fours(y))
          : value(function, elements, channels, x, b, y);
  });
}

void bias_activation_grad(const BiasActivationGrad& op, const Tensors& in, Tensors& out) {
  const Int elements = in[1].elements(), channels = in[2].elements();
  const float *const dy = in[0].gpu_data<float>(), *const x = in[1].gpu_data<float>(),
                     *const b = in[2].gpu_data<float>();
  float *const dx = out[0].mutable_gpu_data<float>(), *const db = out[1].mutable_gpu_data<float>();
  const bool fours = gpu::in_fours(channels, dy, x, b, dx);
  with_activation(op.activation, [&](auto function) {
    fours ? gradient(function, elements / 4, channels / 4, gpu::fours(dy), gpu::fours(x), gpu::fours(b),
                     gpu::fours(dx))
          : gradient(function, elements, channels, dy, x, b, dx);
  });
  gpu::sum_rows<1>(
      1, in[1].elements() / std::max<Int>(1, channels), channels,
      [=] __device__(Int, Int r, Int c) { return gpu::Sums<1, float>{{dx[r * channels + c]}}; },
      [=] __device__(Int, Int c, gpu::Sums<1, double> sum) { db[c] = static_cast<float>(sum.of[0]); });
}

}  // namespace

void register_bias_activation_gpu(Registry& registry) {
  registry.add_gpu<BiasActivation>(bias_activation_gpu);
  registry.add_gpu<BiasActivationGrad>(bias_activation_grad);
}

}  // namespace sonograd
