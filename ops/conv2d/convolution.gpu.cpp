#include "ops/conv2d/on_gpu.h"

#include <cstdint>

#include "ops/conv2d/columns.h"
#include "ops/conv2d/cudnn_plan.h"
#include "ops/conv2d/krsc.h"
#include "tensor/cache.h"
#include "tensor/cudnn.h"
#include "tensor/gpu_policy.h"
#include "tensor/gpu_runtime.h"

namespace sonograd::convolution {
namespace {

using cudnn::ConvolutionPlan;

// A plan moves on to another engine where one fails, so it is one thread's at a time.
struct SharedPlan {
  explicit SharedPlan(ConvolutionPlan plan) : plan(std::move(plan)) {}
  mutable std::mutex mutex;
  mutable ConvolutionPlan plan;
};

std::shared_ptr<const SharedPlan> plan_for(const cudnn::Convolution& convolution) {
  static const cudnn::Target device(cudnn::handle());
  static auto& plans =
      *new Cache<SharedPlan>(512);  // as long as the process: at its end the library may be gone first
  return plans.get(convolution.key(),
                   [&] { return ConvolutionPlan(convolution, device, cudnn::workspace_limit); });
}

Int alignment_of(const void* x, const void* y) {
  constexpr Int best = 16;
  return (reinterpret_cast<std::uintptr_t>(x) | reinterpret_cast<std::uintptr_t>(y)) % best == 0 ? best : 4;
}

// Whether cuDNN had an engine that ran. krsc is w in its order.
bool run_by_cudnn(Direction direction, const Conv2d& conv, cudnn::Arithmetic arithmetic, Tensor& x,
                  const Shape& w, Tensor& krsc, Tensor& y) {
  const auto address = [](Tensor& tensor, bool written) {
    return written ? tensor.mutable_gpu_data<float>() : const_cast<float*>(tensor.gpu_data<float>());
  };
  float* const x_data = address(x, direction == Direction::grad_x);
  float* const w_data = address(krsc, direction == Direction::grad_w);
  float* const y_data = address(y, direction == Direction::forward);
  const auto shared = plan_for(
      {direction, conv, x.shape(), w, arithmetic, gpu::policy().deterministic, alignment_of(x_data, y_data)});
  const std::lock_guard lock(shared->mutex);
  for (ConvolutionPlan& plan = shared->plan; plan.found(); plan.advance()) {
    const Storage workspace(plan.workspace(), true);
    if (plan.run(cudnn::handle(), x_data, w_data, y_data, workspace.data())) return true;
    cudaGetLastError();  // else a later call would report it
  }
  return false;
}

}  // namespace

void run_on_gpu(Direction direction, Conv2d conv, Tensor x, Tensor w, Tensor y) {
  const bool to_x = direction == Direction::grad_x, to_w = direction == Direction::grad_w;
  if (x.elements() == 0 || w.elements() == 0 || y.elements() == 0) {
    (to_x ? x : to_w ? w : y).fill(0);  // a sum of no products
    return;
  }
  const auto arithmetic = gpu::policy().tf32                  ? cudnn::Arithmetic::tf32
                          : conv.precision == Precision::full ? cudnn::Arithmetic::f32
                                                              : cudnn::Arithmetic::rounded;
  round_factors(direction, conv, x, w, y);
  Tensor krsc = to_w ? Tensor::empty({w.size(3), w.size(0), w.size(1), w.size(2)}, DType::f32, Device::gpu)
                     : krsc_of(w);
  if (!run_by_cudnn(direction, conv, arithmetic, x, w.shape(), krsc, y))
    run_by_columns(direction, conv, x, w, y);
  else if (to_w)
    turn_back(krsc, w);
}

}  // namespace sonograd::convolution
