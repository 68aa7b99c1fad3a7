#include "tensor/gpu/gpu.h"
#include "tensor/gpu/launch_many.h"

namespace sonograd::gpu {
namespace {

struct Plus {
  __device__ double operator()(double a, double b) const { return a + b; }
};

struct Squares {
  const float* from;
  Int elements;
};

// Each piece by a block, then those of each tensor by one.
void sum_each(const Many<Squares>& many, double* sums) {
  Tensor partial = Tensor::empty({many.first[many.count]}, DType::f64, Device::gpu);
  double* const of_piece = partial.mutable_gpu_data<double>();
  for_each_piece(many, [=] __device__(const Squares& x, Int begin, Int end, int piece) {
    double sum = 0;
    for (Int i = begin + threadIdx.x; i < end; i += block_threads)
      sum += static_cast<double>(x.from[i]) * static_cast<double>(x.from[i]);
    sum = join_block(sum, Plus{});
    if (threadIdx.x == 0) of_piece[piece] = sum;
  });
  for_each_block(many.count, [=] __device__(Int k, Int thread) {
    double sum = 0;
    for (Int i = many.first[k] + thread; i < many.first[k + 1]; i += block_threads) sum += of_piece[i];
    sum = join_block(sum, Plus{});
    if (thread == 0) sums[k] = sum;
  });
}

}  // namespace

// The order of a tensor's sum depends on its size alone.
void sum_squares(const std::vector<Tensor>& list, Tensor& sums) {
  double* to = sums.mutable_gpu_data<double>();
  Many<Squares> many;
  Tensors dense;  // those of one launch
  Int copied = 0;
  for (const Tensor& given : list) {
    const Tensor& x = dense.emplace_back(given.as_dense());
    many.add({x.gpu_data<float>(), x.elements()},
             std::clamp<Int>(x.elements() / (64 * block_threads), 1, 1024));
    if (!given.dense()) copied += x.elements() * size_of(x.dtype());
    if (!many.full() && copied < most_copied && &given != &list.back()) continue;
    sum_each(many, to);
    to += many.count;
    many = {};
    dense.clear();
    copied = 0;
  }
}

}  // namespace sonograd::gpu
