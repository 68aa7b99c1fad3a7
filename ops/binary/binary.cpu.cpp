#include "ops/binary/binary.h"
#include "tensor/loops.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace sonograd {
namespace {

template <class F>
SONOGRAD_CLONES void run(Int n, const float* x, Int step_x, const float* y, Int step_y, float* z) {
  if (step_x == 1 && step_y == 1)
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i], y[i]);
  else if (step_x == 1 && step_y == 0)
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i], *y);
  else if (step_x == 0 && step_y == 1)
    for (Int i = 0; i < n; ++i) z[i] = F::f(*x, y[i]);
  else
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i * step_x], y[i * step_y]);
}

template <class F>
void binary_cpu(const Binary<F>&, const Tensors& in, Tensors& out) {
  const Shape& shape = out[0].shape();
  const auto strides = [&](const Tensor& x) { return BroadcastTo{shape}.view(x).strides(); };
  const Loops<3> loops(shape, {strides(in[0]), strides(in[1]), out[0].strides()});
  const float *const x = in[0].data<float>(), *const y = in[1].data<float>();
  float* const z = out[0].mutable_data<float>();
  parallel_for(loops.elements(), 16384, [&](Int begin, Int end) {
    loops.runs(begin, end, [&](const auto& at, Int n) {
      run<F>(n, x + at[0], loops.step(0), y + at[1], loops.step(1), z + at[2]);
    });
  });
}

}  // namespace

void register_binary_cpu(Registry& registry) {
  registry.add_cpu<Add>(binary_cpu<AddFunction>, Layout::strided);
  registry.add_cpu<Subtract>(binary_cpu<SubtractFunction>, Layout::strided);
  registry.add_cpu<Multiply>(binary_cpu<MultiplyFunction>, Layout::strided);
  registry.add_cpu<Divide>(binary_cpu<DivideFunction>, Layout::strided);
}

}  // namespace sonograd
