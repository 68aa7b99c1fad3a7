#include "ops/layer_norm/layer_norm.h"
#include "tensor/launch.h"

namespace sonograd {
namespace {

struct Statistics {
  float mean, over_deviation;  // μ and 1/√(σ² + ε)
};

// Of a row, by all threads of a block.
__device__ Statistics statistics(const float* x, Int columns, float epsilon, Int thread) {
  const auto plus = [](float a, float b) { return a + b; };
  const auto n = static_cast<float>(columns);
  float sum = 0;
  for (Int c = thread; c < columns; c += gpu::block_threads) sum += x[c];
  const float mean = gpu::join_block(sum, plus) / n;
  float squares = 0;
  for (Int c = thread; c < columns; c += gpu::block_threads) squares += (x[c] - mean) * (x[c] - mean);
  return {mean, 1 / std::sqrt(gpu::join_block(squares, plus) / n + epsilon)};
}

void layer_norm_gpu(const LayerNorm& op, const Tensors& in, Tensors& out) {
  const Int columns = in[1].elements(), rows = in[0].elements() / columns;
  const auto epsilon = static_cast<float>(op.epsilon);
  const float *const all = in[0].gpu_data<float>(), *const gamma = in[1].gpu_data<float>(),
                     *const beta = in[2].gpu_data<float>();
  float* const y = out[0].mutable_gpu_data<float>();
  gpu::for_each_block(rows, [=] __device__(Int r, Int thread) {
    const float* const x = all + r * columns;
    const Statistics row = statistics(x, columns, epsilon, thread);
    for (Int c = thread; c < columns; c += gpu::block_threads)
      y[r * columns + c] = gamma[c] * ((x[c] - row.mean) * row.over_deviation) + beta[c];
  });
}

void layer_norm_grad(const LayerNormGrad& op, const Tensors& in, Tensors& out) {
  const Int columns = in[1].elements(), rows = in[0].elements() / columns;
  const auto epsilon = static_cast<float>(op.epsilon);
  const float *const all = in[0].gpu_data<float>(), *const gamma = in[1].gpu_data<float>(),
                     *const cotangents = in[2].gpu_data<float>();
  float *const all_dx = out[0].mutable_gpu_data<float>(), *const dgamma = out[1].mutable_gpu_data<float>(),
               *const dbeta = out[2].mutable_gpu_data<float>();
  Tensor of_rows = Tensor::empty({rows, 2}, DType::f32, Device::gpu);  // μ and 1/√(σ² + ε)
  float* const kept = of_rows.mutable_gpu_data<float>();
  gpu::for_each_block(rows, [=] __device__(Int r, Int thread) {
    const float *const x = all + r * columns, *const dy = cotangents + r * columns;
    float* const dx = all_dx + r * columns;
    const Statistics row = statistics(x, columns, epsilon, thread);
    const auto plus = [](float a, float b) { return a + b; };
    float sum = 0, along = 0;
    for (Int c = thread; c < columns; c += gpu::block_threads) {
      const float g = gamma[c] * dy[c];
      sum += g;
      along += g * ((x[c] - row.mean) * row.over_deviation);
    }
    const auto n = static_cast<float>(columns);
    sum = gpu::join_block(sum, plus) / n;
    along = gpu::join_block(along, plus) / n;
    for (Int c = thread; c < columns; c += gpu::block_threads) {
      const float normalised = (x[c] - row.mean) * row.over_deviation;
      dx[c] = row.over_deviation * (gamma[c] * dy[c] - sum - normalised * along);
    }
    if (thread == 0) {
      kept[2 * r] = row.mean;
      kept[2 * r + 1] = row.over_deviation;
    }
  });
  gpu::sum_rows<2>(
      1, rows, columns,
      [=] __device__(Int, Int r, Int c) {
        const float dy = cotangents[r * columns + c];
        return gpu::Sums<2, float>{{dy, dy * ((all[r * columns + c] - kept[2 * r]) * kept[2 * r + 1])}};
      },
      [=] __device__(Int, Int c, gpu::Sums<2, double> sum) {
        dbeta[c] = static_cast<float>(sum.of[0]);
        dgamma[c] = static_cast<float>(sum.of[1]);
      });
}

}  // namespace

void register_layer_norm_gpu(Registry& registry) {
  registry.add_gpu<LayerNorm>(layer_norm_gpu);
  registry.add_gpu<LayerNormGrad>(layer_norm_grad);
}

}  // namespace sonograd
