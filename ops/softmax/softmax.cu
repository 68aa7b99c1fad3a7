#include "ops/larger.h"
#include "ops/softmax/softmax.h"
#include "tensor/launch.h"
#include "tensor/math.h"

namespace sonograd {
namespace {

void softmax_gpu(const Softmax&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(-1);
  const float* const all = in[0].gpu_data<float>();
  float* const all_y = out[0].mutable_gpu_data<float>();
  gpu::for_each_block(in[0].elements() / classes, [=] __device__(Int r, Int thread) {
    const float* const x = all + r * classes;
    float* const y = all_y + r * classes;
    float largest = x[thread < classes ? thread : 0], sum = 0;
    for (Int c = thread; c < classes; c += gpu::block_threads) largest = larger(largest, x[c]);
    largest = gpu::join_block(largest, [](float a, float b) { return larger(a, b); });
    for (Int c = thread; c < classes; c += gpu::block_threads) sum += Fast::exp(x[c] - largest);
    sum = gpu::join_block(sum, [](float a, float b) { return a + b; });
    for (Int c = thread; c < classes; c += gpu::block_threads) y[c] = Fast::exp(x[c] - largest) / sum;
  });
}

void softmax_grad(const SoftmaxGrad&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(-1);
  const float *const all_y = in[0].gpu_data<float>(), *const all_dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each_block(in[0].elements() / classes, [=] __device__(Int r, Int thread) {
    const float *const y = all_y + r * classes, *const dy = all_dy + r * classes;
    float along = 0;
    for (Int c = thread; c < classes; c += gpu::block_threads) along += y[c] * dy[c];
    along = gpu::join_block(along, [](float a, float b) { return a + b; });
    for (Int c = thread; c < classes; c += gpu::block_threads) dx[r * classes + c] = y[c] * (dy[c] - along);
  });
}

}  // namespace

void register_softmax_gpu(Registry& registry) {
  registry.add_gpu<Softmax>(softmax_gpu);
  registry.add_gpu<SoftmaxGrad>(softmax_grad);
}

}  // namespace sonograd
