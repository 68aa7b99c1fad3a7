#include "ops/reduce/reduce.h"
#include "tensor/gpu/launch.h"
#include "tensor/loops.h"

namespace sonograd {
namespace {

// The elements of x that go to one of y: kept.at(j) + reduced.at(k) for k from 0, in row-major order.
struct Groups {
  Loops<1> kept, reduced;
};
Groups groups(const Tensor& x, const Shape& target) {
  Shape kept = x.shape(), reduced = x.shape();
  for (int axis = 0; axis < x.rank(); ++axis) (target[axis] == x.size(axis) ? reduced : kept)[axis] = 1;
  return {Loops<1>(kept, {x.strides()}), Loops<1>(reduced, {x.strides()})};
}

void reduce_max(const ReduceMax& op, const Tensors& in, Tensors& out) {
  const Groups g = groups(in[0], op.target);
  const float* const x = in[0].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each(out[0].elements(), [=] __device__(Int j) {
    const float* const first = x + g.kept.at(j)[0];
    float largest = *first;
    for (Int k = 1; k < g.reduced.elements(); ++k) largest = larger(largest, first[g.reduced.at(k)[0]]);
    y[j] = largest;
  });
}

void reduce_max_grad(const ReduceMaxGrad&, const Tensors& in, Tensors& out) {
  const Groups g = groups(in[0], in[1].shape());
  const float *const x = in[0].gpu_data<float>(), *const dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each(in[1].elements(), [=] __device__(Int j) {
    const Int first = g.kept.at(j)[0];
    Int best = first;
    for (Int k = 0; k < g.reduced.elements(); ++k) {
      const Int here = first + g.reduced.at(k)[0];
      if (x[here] > x[best]) best = here;
      dx[here] = 0;
    }
    dx[best] = dy[j];
  });
}

}  // namespace

void register_reduce_gpu(Registry& registry) {
  registry.add_gpu<ReduceMax>(reduce_max);
  registry.add_gpu<ReduceMaxGrad>(reduce_max_grad);
}

}  // namespace sonograd
