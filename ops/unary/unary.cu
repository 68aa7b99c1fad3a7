#include "ops/unary/unary.h"
#include "tensor/gpu/launch.h"

namespace sonograd {
namespace {

struct Along {
  float dy, x;
};

template <class F>
void value(const Unary<F>& op, const Tensors& in, Tensors& out) {
  const float* const x = in[0].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  const F function = op.function;
  gpu::for_each(
      in[0].elements(), [=] __device__(Int i) { return x[i]; },
      [=] __device__(Int i, float at) { y[i] = function.f(Fast{}, at); });
}

template <class F>
void gradient(const UnaryGrad<F>& op, const Tensors& in, Tensors& out) {
  const float *const dy = in[0].gpu_data<float>(), *const x = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  const F function = op.function;
  gpu::for_each(
      in[0].elements(),
      [=] __device__(Int i) {
        return Along{dy[i], x[i]};
      },
      [=] __device__(Int i, Along along) { dx[i] = along.dy * function.df(Fast{}, along.x); });
}

template <class F>
void curvature(const UnaryCurvature<F>& op, const Tensors& in, Tensors& out) {
  const float *const dy = in[0].gpu_data<float>(), *const x = in[1].gpu_data<float>();
  float* const z = out[0].mutable_gpu_data<float>();
  const F function = op.function;
  gpu::for_each(
      in[0].elements(),
      [=] __device__(Int i) {
        return Along{dy[i], x[i]};
      },
      [=] __device__(Int i, Along along) { z[i] = along.dy * function.d2f(Fast{}, along.x); });
}

template <class F>
void add_kernels(Registry& registry) {
  registry.add_gpu<Unary<F>>(value<F>);
  registry.add_gpu<UnaryGrad<F>>(gradient<F>);
  if constexpr (detail::Curved<F>) registry.add_gpu<UnaryCurvature<F>>(curvature<F>);
}

}  // namespace

void register_unary_gpu(Registry& registry) {
  [&]<class... F>(std::tuple<F...>*) {
    (add_kernels<F>(registry), ...);
  }(static_cast<UnaryFunctions*>(nullptr));
}

}  // namespace sonograd
