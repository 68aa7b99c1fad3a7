#include "tensor/launch.h"

namespace sonograd::gpu {
namespace {

struct Plus {
  __device__ double operator()(double a, double b) const { return a + b; }
};

}  // namespace

// Each piece by a block, then the pieces by one: the order depends on the size alone.
void sum_squares(const Tensor& given, Tensor& sums, Int which) {
  const Tensor x = given.as_dense();
  const float* const from = x.gpu_data<float>();
  const Int n = x.elements(), pieces = std::clamp<Int>(n / (64 * block_threads), 1, 1024);
  Tensor partial = Tensor::empty({pieces}, DType::f64, Device::gpu);
  double *const of_piece = partial.mutable_gpu_data<double>(), *const to =
                                                                   sums.mutable_gpu_data<double>() + which;
  for_each_block(pieces, [=] __device__(Int piece, Int thread) {
    double sum = 0;
    for (Int i = n * piece / pieces + thread; i < n * (piece + 1) / pieces; i += block_threads)
      sum += static_cast<double>(from[i]) * static_cast<double>(from[i]);
    sum = join_block(sum, Plus{});
    if (thread == 0) of_piece[piece] = sum;
  });
  for_each_block(1, [=] __device__(Int, Int thread) {
    double sum = 0;
    for (Int i = thread; i < pieces; i += block_threads) sum += of_piece[i];
    sum = join_block(sum, Plus{});
    if (thread == 0) *to = sum;
  });
}

}  // namespace sonograd::gpu
