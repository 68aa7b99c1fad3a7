#include "ops/binary/binary.h"
#include "tensor/gpu/launch_fours.h"
#include "tensor/loops.h"

namespace sonograd {
namespace {

template <class T>
struct Read {
  T x, y;
  Int to;
};

template <class F, class T>
void compute(const Loops<3>& loops, const T* x, const T* y, T* z) {
  gpu::for_each(
      loops.elements(),
      [=] __device__(Int i) {
        const auto at = loops.at(i);
        return Read<T>{x[at[0]], y[at[1]], at[2]};
      },
      [=] __device__(Int, const Read<T>& at) {
        z[at.to] = gpu::of_each([](float a, float b) { return F::f(a, b); }, at.x, at.y);
      });
}

// A value that is broadcast has strides of 0.
template <class F>
void binary_gpu(const Binary<F>&, const Tensors& in, Tensors& out) {
  const Shape& shape = out[0].shape();
  const Tensor first = BroadcastTo{shape}.view(in[0]), second = BroadcastTo{shape}.view(in[1]);
  const float *const x = first.gpu_data<float>(), *const y = second.gpu_data<float>();
  float* const z = out[0].mutable_gpu_data<float>();
  const std::array strides{gpu::strides_of_fours(first), gpu::strides_of_fours(second),
                           gpu::strides_of_fours(out[0])};
  if (std::all_of(strides.begin(), strides.end(), [](const Strides& each) { return each.rank() > 0; }))
    compute<F>(Loops<3>(gpu::shape_of_fours(shape), strides), gpu::fours(x), gpu::fours(y), gpu::fours(z));
  else
    compute<F>(Loops<3>(shape, {first.strides(), second.strides(), out[0].strides()}), x, y, z);
}

}  // namespace

void register_binary_gpu(Registry& registry) {
  registry.add_gpu<Add>(binary_gpu<AddFunction>, Layout::strided);
  registry.add_gpu<Subtract>(binary_gpu<SubtractFunction>, Layout::strided);
  registry.add_gpu<Multiply>(binary_gpu<MultiplyFunction>, Layout::strided);
  registry.add_gpu<Divide>(binary_gpu<DivideFunction>, Layout::strided);
}

}  // namespace sonograd
