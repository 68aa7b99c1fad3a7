#include "ops/bias_activation/bias_activation.h"
#include "tensor/launch.h"

namespace sonograd {
namespace {

struct Read {
  float x, b, dy;
};

template <class F>
void value(F function, const Tensors& in, Tensor& out) {
  const Divisor channels(in[1].elements());
  const float *const x = in[0].gpu_data<float>(), *const b = in[1].gpu_data<float>();
  float* const y = out.mutable_gpu_data<float>();
  gpu::for_each(
      in[0].elements(),
      [=] __device__(Int i) {
        return Read{x[i], b[channels(i).column], 1};
      },
      [=] __device__(Int i, Read at) { y[i] = function.f(Fast{}, at.x + at.b); });
}

template <class F>
void gradient(F function, const Tensors& in, Tensor& out) {
  const Divisor channels(in[2].elements());
  const float *const dy = in[0].gpu_data<float>(), *const x = in[1].gpu_data<float>(),
                     *const b = in[2].gpu_data<float>();
  float* const dx = out.mutable_gpu_data<float>();
  gpu::for_each(
      in[1].elements(),
      [=] __device__(Int i) {
        return Read{x[i], b[channels(i).column], dy[i]};
      },
      [=] __device__(Int i, Read at) { dx[i] = at.dy * function.df(Fast{}, at.x + at.b); });
}

void bias_activation_gpu(const BiasActivation& op, const Tensors& in, Tensors& out) {
  with_activation(op.activation, [&](auto function) { value(function, in, out[0]); });
}

void bias_activation_grad(const BiasActivationGrad& op, const Tensors& in, Tensors& out) {
  with_activation(op.activation, [&](auto function) { gradient(function, in, out[0]); });
  const Int channels = in[2].elements();
  const float* const dx = out[0].gpu_data<float>();
  float* const db = out[1].mutable_gpu_data<float>();
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
