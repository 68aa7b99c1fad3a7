#include "ops/fold.h"
#include "ops/sum_to/sum_to.h"
#include "tensor/gpu/launch_columns.h"

namespace sonograd {
namespace {

void sum_to_gpu(const SumTo&, const Tensors& in, Tensors& out) {
  reduce_groups(in[0], out[0], [](const Fold& fold, const Tensor& from, Tensor& to) {
    const Int rows = fold.reduced, columns = fold.inner;
    const float* const x = from.gpu_data<float>();
    float* const y = to.mutable_gpu_data<float>();
    gpu::sum_rows<1>(
        fold.outer, rows, columns,
        [=] __device__(Int n, Int r, Int c) {
          return gpu::Sums<1, float>{{x[(n * rows + r) * columns + c]}};
        },
        [=] __device__(Int n, Int c, gpu::Sums<1, double> sum) {
          y[n * columns + c] = static_cast<float>(sum.of[0]);
        });
  });
}

}  // namespace

void register_sum_to_gpu(Registry& registry) {
  registry.add_gpu<SumTo>(sum_to_gpu);
}

}  // namespace sonograd
