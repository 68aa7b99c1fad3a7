#include "ops/layer_norm/layer_norm.h"
#include "tensor/gpu/launch_columns.h"
#include "tensor/gpu/launch_rows.h"

namespace sonograd {
namespace {

struct Statistics {
  float mean, over_deviation;  // μ and 1/√(σ² + ε)
};

// Of the row of which x gives the elements, by its lanes.
template <class Row, class X>
__device__ Statistics statistics(const Row& row, const X& x, float epsilon) {
  const auto n = static_cast<float>(row.columns);
  const float mean = row.sum(x) / n;
  const auto square = [&](auto at) { return (x(at) - mean) * (x(at) - mean); };
  return {mean, 1 / std::sqrt(row.sum(square) / n + epsilon)};
}

void layer_norm_gpu(const LayerNorm& op, const Tensors& in, Tensors& out) {
  const Int columns = in[1].elements(), rows = in[0].elements() / columns;
  const auto epsilon = static_cast<float>(op.epsilon);
  const float *const all = in[0].gpu_data<float>(), *const gamma = in[1].gpu_data<float>(),
                     *const beta = in[2].gpu_data<float>();
  float* const all_y = out[0].mutable_gpu_data<float>();
  gpu::for_each_row(rows, columns, [=] __device__(Int r, auto row) {
    const auto x = row.keep([=](auto at) { return all[r * columns + at.column]; });
    const Statistics of = statistics(row, x, epsilon);
    const auto y = row.keep([&](auto at) {
      return gamma[at.column] * ((x(at) - of.mean) * of.over_deviation) + beta[at.column];
    });
    row.each([&](auto at) { all_y[r * columns + at.column] = y(at); });
  });
}

void layer_norm_grad(const LayerNormGrad& op, const Tensors& in, Tensors& out) {
  const Int columns = in[1].elements(), rows = in[0].elements() / columns;
  const auto epsilon = static_cast<float>(op.epsilon);
  const float *const all = in[0].gpu_data<float>(), *const gamma = in[1].gpu_data<float>(),
                     *const cotangents = in[2].gpu_data<float>();
  float *const dx = out[0].mutable_gpu_data<float>(), *const dgamma = out[1].mutable_gpu_data<float>(),
               *const dbeta = out[2].mutable_gpu_data<float>();
  Tensor of_rows = Tensor::empty({rows, 2}, DType::f32, Device::gpu);  // μ and 1/√(σ² + ε)
  float* const kept = of_rows.mutable_gpu_data<float>();
  gpu::for_each_row(rows, columns, [=] __device__(Int r, auto row) {
    const auto x = row.keep([=](auto at) { return all[r * columns + at.column]; });
    const auto dy = row.keep([=](auto at) { return cotangents[r * columns + at.column]; });
    const auto factor = row.keep([=](auto at) { return gamma[at.column]; });
    const auto g = [&](auto at) { return factor(at) * dy(at); };
    const Statistics of = statistics(row, x, epsilon);
    const auto normalised = [&](auto at) { return (x(at) - of.mean) * of.over_deviation; };
    const auto n = static_cast<float>(columns);
    const float mean = row.sum(g) / n;
    const float along = row.sum([&](auto at) { return g(at) * normalised(at); }) / n;
    row.each([&](auto at) {
      dx[r * columns + at.column] = of.over_deviation * (g(at) - mean - normalised(at) * along);
    });
    if (row.lane == 0) {
      kept[2 * r] = of.mean;
      kept[2 * r + 1] = of.over_deviation;
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
