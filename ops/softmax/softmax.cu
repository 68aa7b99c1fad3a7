#include "base/math.h"
#include "ops/larger.h"
#include "ops/softmax/softmax.h"
#include "tensor/gpu/launch_rows.h"

namespace sonograd {
namespace {

void softmax_gpu(const Softmax&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(-1);
  const float* const all = in[0].gpu_data<float>();
  float* const all_y = out[0].mutable_gpu_data<float>();
  gpu::for_each_row(in[0].elements() / classes, classes, [=] __device__(Int r, auto row) {
    const auto x = row.keep([=](auto at) { return all[r * classes + at.column]; });
    float largest = -INFINITY;
    row.each([&](auto at) { largest = larger(largest, x(at)); });
    largest = gpu::join_lanes(largest, row.lanes, [](float a, float b) { return larger(a, b); });
    const auto e = row.keep([&](auto at) { return Fast::exp(x(at) - largest); });
    const float share = 1 / row.sum(e);
    row.each([&](auto at) { all_y[r * classes + at.column] = e(at) * share; });
  });
}

void softmax_grad(const SoftmaxGrad&, const Tensors& in, Tensors& out) {
  const Int classes = in[0].size(-1);
  const float *const all_y = in[0].gpu_data<float>(), *const all_dy = in[1].gpu_data<float>();
  float* const dx = out[0].mutable_gpu_data<float>();
  gpu::for_each_row(in[0].elements() / classes, classes, [=] __device__(Int r, auto row) {
    const auto y = row.keep([=](auto at) { return all_y[r * classes + at.column]; });
    const auto dy = row.keep([=](auto at) { return all_dy[r * classes + at.column]; });
    const float along = row.sum([&](auto at) { return y(at) * dy(at); });
    row.each([&](auto at) { dx[r * classes + at.column] = y(at) * (dy(at) - along); });
  });
}

}  // namespace

void register_softmax_gpu(Registry& registry) {
  registry.add_gpu<Softmax>(softmax_gpu);
  registry.add_gpu<SoftmaxGrad>(softmax_grad);
}

}  // namespace sonograd
