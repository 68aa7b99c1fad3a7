#include <vector>

#include "base/parallel.h"
#include "base/simd.h"
#include "ops/binary/binary.h"
#include "tensor/loops.h"

namespace sonograd {
namespace {

// z may be x or y.
template <class F>
SONOGRAD_CLONES void run(Int n, const float* x, Int step_x, const float* y, Int step_y, float* z) {
  if (step_x == 1 && step_y == 1)
#pragma omp simd
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i], y[i]);
  else if (step_x == 1 && step_y == 0)
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i], *y);
  else if (step_x == 0 && step_y == 1)
    for (Int i = 0; i < n; ++i) z[i] = F::f(*x, y[i]);
  else
    for (Int i = 0; i < n; ++i) z[i] = F::f(x[i * step_x], y[i * step_y]);
}

// A short row y over the dense rows of x: y is repeated until it makes a run of vector instructions.
template <class F>
void over_short_rows(Int elements, const float* x, const float* y, Int columns, float* z) {
  const Int run_length = 512 / columns * columns;
  std::vector<float> repeated(static_cast<std::size_t>(run_length));
  for (Int i = 0; i < run_length; ++i) repeated[static_cast<std::size_t>(i)] = y[i % columns];
  const Int count = (elements + run_length - 1) / run_length;
  parallel_for(count, 16384 / run_length, [&](Int begin, Int end) {
    for (Int k = begin; k < end; ++k) {
      const Int at = k * run_length;
      run<F>(std::min(run_length, elements - at), x + at, 1, repeated.data(), 1, z + at);
    }
  });
}

template <class F>
void binary_cpu(const Binary<F>&, const Tensors& in, Tensors& out) {
  const Shape& shape = out[0].shape();
  const auto strides = [&](const Tensor& x) { return BroadcastTo{shape}.view(x).strides(); };
  const Loops<3> loops(shape, {strides(in[0]), strides(in[1]), out[0].strides()});
  const float *const x = in[0].data<float>(), *const y = in[1].data<float>();
  float* const z = out[0].mutable_data<float>();
  if (in[0].dense() && in[0].shape() == shape && in[1].dense() && loops.width() == in[1].elements() &&
      1 < loops.width() && loops.width() < 64 && loops.step(1) == 1) {
    over_short_rows<F>(loops.elements(), x, y, loops.width(), z);
    return;
  }
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
