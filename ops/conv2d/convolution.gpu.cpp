#include "ops/conv2d/convolution.h"

#include <cstdint>

#include "ops/conv2d/columns.h"
#include "ops/conv2d/convolution_plan.h"
#include "ops/conv2d/krsc.h"
#include "ops/conv2d/unserved.h"
#include "tensor/gpu/cudnn_plan_cache.h"
#include "tensor/gpu/policy.h"

namespace sonograd::convolution {
namespace {

using cudnn::ConvolutionPlan;

Int alignment_of(const void* x, const void* y) {
  constexpr Int best = 16;
  return (reinterpret_cast<std::uintptr_t>(x) | reinterpret_cast<std::uintptr_t>(y)) % best == 0 ? best : 4;
}

// By cuDNN's number: it adds tap by tap, 0.6 TFLOP/s on an H200, where products of matrices do many times
// that.
constexpr const char* slow_engine_for_x = "0";

// Whether cuDNN had an engine that ran. krsc is w in its order.
bool run_by_cudnn(cudnn::Convolution convolution, Tensor& x, Tensor& krsc, Tensor& y) {
  const Direction direction = convolution.direction;
  const auto address = [](Tensor& tensor, bool written) {
    return written ? tensor.mutable_gpu_data<float>() : const_cast<float*>(tensor.gpu_data<float>());
  };
  float* const x_data = address(x, direction == Direction::grad_x);
  float* const w_data = address(krsc, direction == Direction::grad_w);
  float* const y_data = address(y, direction == Direction::forward);
  convolution.alignment = alignment_of(x_data, y_data);
  static auto& plans = *new cudnn::Plans<ConvolutionPlan>(512);
  return plans.run(
      convolution.key(),
      [&](const cudnn::Target& device) {
        return ConvolutionPlan(convolution, device, cudnn::workspace_limit);
      },
      [&](const ConvolutionPlan& plan, void* workspace) {
        if (direction == Direction::grad_x && plan.engine() == slow_engine_for_x) return false;
        return plan.run(cudnn::handle(), x_data, w_data, y_data, workspace);
      });
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
  // Of 1 × 1 taps with a stride the columns are the pixels that are read, and cuDNN's engines for f32 are
  // slow.
  if (w.size(0) == 1 && w.size(1) == 1) return run_by_columns(direction, conv, x, w, y);
  const cudnn::Convolution convolution{direction, conv,       x.shape(),
                                       w.shape(), arithmetic, gpu::policy().deterministic};
  if (convolution.within_limit()) {
    Tensor krsc = to_w ? Tensor::empty({w.size(3), w.size(0), w.size(1), w.size(2)}, DType::f32, Device::gpu)
                       : krsc_of(w);
    if (run_by_cudnn(convolution, x, krsc, y)) {
      if (to_w) turn_back(krsc, w);
      return;
    }
  }
  note_unserved(convolution.text());
  run_by_columns(direction, conv, x, w, y);
}

}  // namespace sonograd::convolution
