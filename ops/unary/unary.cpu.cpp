#include "ops/unary/unary.h"
#include "base/parallel.h"

namespace sonograd {
namespace {

constexpr Int grain = 8192;

template <class F>
SONOGRAD_CLONES void value(F function, Int n, const float* x, float* y) {
  for (Int i = 0; i < n; ++i) y[i] = function.f(Fast{}, x[i]);
}
template <class F>
SONOGRAD_CLONES void gradient(F function, Int n, const float* dy, const float* x, float* dx) {
  for (Int i = 0; i < n; ++i) dx[i] = dy[i] * function.df(Fast{}, x[i]);
}
template <class F>
SONOGRAD_CLONES void curvature(F function, Int n, const float* dy, const float* x, float* z) {
  for (Int i = 0; i < n; ++i) z[i] = dy[i] * function.d2f(Fast{}, x[i]);
}

template <class F>
void add_kernels(Registry& registry) {
  registry.add_cpu<Unary<F>>([](const Unary<F>& op, const Tensors& in, Tensors& out) {
    const float* const x = in[0].data<float>();
    float* const y = out[0].mutable_data<float>();
    parallel_for(in[0].elements(), grain,
                 [&](Int begin, Int end) { value(op.function, end - begin, x + begin, y + begin); });
  });
  registry.add_cpu<UnaryGrad<F>>([](const UnaryGrad<F>& op, const Tensors& in, Tensors& out) {
    const float *const dy = in[0].data<float>(), *const x = in[1].data<float>();
    float* const dx = out[0].mutable_data<float>();
    parallel_for(in[0].elements(), grain, [&](Int begin, Int end) {
      gradient(op.function, end - begin, dy + begin, x + begin, dx + begin);
    });
  });
  if constexpr (detail::Curved<F>)
    registry.add_cpu<UnaryCurvature<F>>([](const UnaryCurvature<F>& op, const Tensors& in, Tensors& out) {
      const float *const dy = in[0].data<float>(), *const x = in[1].data<float>();
      float* const z = out[0].mutable_data<float>();
      parallel_for(in[0].elements(), grain, [&](Int begin, Int end) {
        curvature(op.function, end - begin, dy + begin, x + begin, z + begin);
      });
    });
}

}  // namespace

void register_unary_cpu(Registry& registry) {
  [&]<class... F>(std::tuple<F...>*) {
    (add_kernels<F>(registry), ...);
  }(static_cast<UnaryFunctions*>(nullptr));
}

}  // namespace sonograd
