#include "ops/binary/binary.h"
#include "tensor/launch.h"
#include "tensor/loops.h"

namespace sonograd {
namespace {

struct Read {
  float x, y;
  Int to;
};

// A value that is broadcast has strides of 0.
template <class F>
void binary_gpu(const Binary<F>&, const Tensors& in, Tensors& out) {
  const Shape& shape = out[0].shape();
  const auto strides = [&](const Tensor& x) { return BroadcastTo{shape}.view(x).strides(); };
  const Loops<3> loops(shape, {strides(in[0]), strides(in[1]), out[0].strides()});
  const float *const x = in[0].gpu_data<float>(), *const y = in[1].gpu_data<float>();
  float* const z = out[0].mutable_gpu_data<float>();
  gpu::for_each(
      loops.elements(),
      [=] __device__(Int i) {
        const auto at = loops.at(i);
        return Read{x[at[0]], y[at[1]], at[2]};
      },
      [=] __device__(Int, const Read& at) { z[at.to] = F::f(at.x, at.y); });
}

}  // namespace

void register_binary_gpu(Registry& registry) {
  registry.add_gpu<Add>(binary_gpu<AddFunction>, Layout::strided);
  registry.add_gpu<Subtract>(binary_gpu<SubtractFunction>, Layout::strided);
  registry.add_gpu<Multiply>(binary_gpu<MultiplyFunction>, Layout::strided);
  registry.add_gpu<Divide>(binary_gpu<DivideFunction>, Layout::strided);
}

}  // namespace sonograd
