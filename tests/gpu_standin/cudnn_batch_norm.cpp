#include <cudnn.h>

#include <cmath>
#include <set>

#include "tests/gpu_standin/cudnn_descriptors.h"
#include "tests/gpu_standin/libraries.h"

// The older calls of cuDNN for batch norms. The rules' sources, as README.md names them: [headers] the order
// of arguments, epsilon, the root's inverse; [manual, scaling parameters] alpha and beta; [tried] dimensions
// and the parameters' description; [manual] of each call: both statistics or neither; [pantheonsim] the
// unbiased variance; [ours] which modes, types and outputs our code asks for.
using namespace gpu_standin;

struct cudnnTensorStruct {
  std::int64_t n = 0, c = 0, h = 0, w = 0;
  bool derived = false;  // of parameters: 1 × c × 1 × 1

  std::int64_t rows() const { return n * h * w; }
};

namespace {

std::set<cudnnTensorDescriptor_t>& living() {
  static std::set<cudnnTensorDescriptor_t> all;
  return all;
}

cudnnStatus_t bad(const std::string& text) {
  return refuse(CUDNN_STATUS_BAD_PARAM, text);
}

// Of the rows, all the same, and of the parameters.
bool fit(std::initializer_list<cudnnTensorDescriptor_t> rows, cudnnTensorDescriptor_t channels) {
  for (cudnnTensorDescriptor_t each : rows)
    if (living().count(each) == 0 || each->derived || each->rows() == 0 ||
        each->rows() != (*rows.begin())->rows())
      return false;
  return living().count(channels) > 0 && channels->derived && channels->c == (*rows.begin())->c;
}

bool scales(const void* alpha, const void* beta) {
  return !of_gpu(alpha) && !of_gpu(beta) && *static_cast<const float*>(alpha) == 1 &&
         *static_cast<const float*>(beta) == 0;
}

bool all_reach(std::initializer_list<const void*> tensors, std::int64_t elements) {
  for (const void* each : tensors)
    if (!reaches(each, 4 * elements, "a tensor of a batch norm")) return false;
  return true;
}

const float* f(const void* data) {
  return static_cast<const float*>(data);
}

struct Moments {
  double mean = 0, variance = 0;
};
Moments moments_of(const float* x, std::int64_t rows, std::int64_t c, std::int64_t channels) {
  Moments m;
  const auto n = static_cast<double>(rows);
  for (std::int64_t r = 0; r < rows; ++r) m.mean += x[r * channels + c] / n;
  for (std::int64_t r = 0; r < rows; ++r) m.variance += std::pow(x[r * channels + c] - m.mean, 2) / n;
  return m;
}

}  // namespace

std::size_t gpu_standin::live_norm_descriptors() {
  return living().size();
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* made) {
  *made = *living().insert(new cudnnTensorStruct).first;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t descriptor) {
  if (living().erase(descriptor) == 0) return bad("a tensor's descriptor that is none, or was destroyed");
  delete descriptor;
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnSetTensor4dDescriptor(cudnnTensorDescriptor_t descriptor, cudnnTensorFormat_t format,
                                         cudnnDataType_t type, int n, int c, int h, int w) {
  if (living().count(descriptor) == 0) return bad("a tensor's descriptor that is none");
  if (format != CUDNN_TENSOR_NHWC || type != CUDNN_DATA_FLOAT)
    return bad("a tensor that is not f32, or whose channels do not lie innermost");
  if (n < 1 || c < 1 || h < 1 || w < 1) return bad("a tensor without elements");
  *descriptor = {n, c, h, w};
  return CUDNN_STATUS_SUCCESS;
}
cudnnStatus_t cudnnDeriveBNTensorDescriptor(cudnnTensorDescriptor_t derived, const cudnnTensorDescriptor_t x,
                                            cudnnBatchNormMode_t mode) {
  if (living().count(derived) == 0 || living().count(x) == 0 || x->rows() == 0 ||
      mode != CUDNN_BATCHNORM_SPATIAL)
    return bad("parameters of what is no tensor, or not a value per channel");
  *derived = {1, x->c, 1, 1, true};
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBatchNormalizationForwardTraining(
    cudnnHandle_t handle, cudnnBatchNormMode_t mode, const void* alpha, const void* beta,
    const cudnnTensorDescriptor_t x_shape, const void* x, const cudnnTensorDescriptor_t y_shape, void* y,
    const cudnnTensorDescriptor_t channels, const void* gamma, const void* bias, double factor,
    void* running_mean, void* running_variance, double epsilon, void* saved_mean, void* saved_inverse) {
  cudaStream_t const stream = stream_to_run_on(handle);
  if (!stream) return CUDNN_STATUS_BAD_PARAM;
  if (mode != CUDNN_BATCHNORM_SPATIAL || !scales(alpha, beta) || epsilon < 0 ||
      !fit({x_shape, y_shape}, channels))
    return bad("a batch norm of another mode, scale or epsilon, or of shapes that do not fit");
  if (!running_mean != !running_variance || !saved_mean != !saved_inverse)
    return bad("one of a mean and a variance without the other");
  if (!running_mean || saved_mean) return bad("statistics other than the running ones, which our code takes");
  const std::int64_t rows = x_shape->rows(), count = x_shape->c;
  if (rows < 2) return bad("the unbiased variance of one row");
  if (!all_reach({x, y}, rows * count) || !all_reach({gamma, bias, running_mean, running_variance}, count))
    return CUDNN_STATUS_BAD_PARAM;
  enqueue(stream, [=] {
    for (std::int64_t c = 0; c < count; ++c) {
      const Moments m = moments_of(f(x), rows, c, count);
      const double unbiased = m.variance * static_cast<double>(rows) / static_cast<double>(rows - 1);
      const auto move = [&](void* running, double batch) {
        float& value = static_cast<float*>(running)[c];
        value = static_cast<float>(value * (1 - factor) + batch * factor);  // what was there is read
      };
      move(running_mean, m.mean);
      move(running_variance, unbiased);
      for (std::int64_t r = 0; r < rows; ++r)
        static_cast<float*>(y)[r * count + c] = static_cast<float>(
            (f(x)[r * count + c] - m.mean) / std::sqrt(m.variance + epsilon) * f(gamma)[c] + f(bias)[c]);
    }
  });
  return CUDNN_STATUS_SUCCESS;
}

cudnnStatus_t cudnnBatchNormalizationBackward(cudnnHandle_t handle, cudnnBatchNormMode_t mode,
                                              const void* alpha_data, const void* beta_data,
                                              const void* alpha_parameters, const void* beta_parameters,
                                              const cudnnTensorDescriptor_t x_shape, const void* x,
                                              const cudnnTensorDescriptor_t dy_shape, const void* dy,
                                              const cudnnTensorDescriptor_t dx_shape, void* dx,
                                              const cudnnTensorDescriptor_t channels, const void* gamma,
                                              void* dgamma, void* dbeta, double epsilon,
                                              const void* saved_mean, const void* saved_inverse) {
  cudaStream_t const stream = stream_to_run_on(handle);
  if (!stream) return CUDNN_STATUS_BAD_PARAM;
  if (mode != CUDNN_BATCHNORM_SPATIAL || !scales(alpha_data, beta_data) ||
      !scales(alpha_parameters, beta_parameters) || epsilon < 0 ||
      !fit({x_shape, dy_shape, dx_shape}, channels))
    return bad("gradients of a batch norm of another mode, scale or epsilon, or of shapes that do not fit");
  if (!saved_mean || !saved_inverse)
    return bad("gradients without both saved statistics, which our code has");
  const std::int64_t rows = x_shape->rows(), count = x_shape->c;
  if (!all_reach({x, dy, dx}, rows * count) ||
      !all_reach({gamma, dgamma, dbeta, saved_mean, saved_inverse}, count))
    return CUDNN_STATUS_BAD_PARAM;
  enqueue(stream, [=] {
    const auto n = static_cast<double>(rows);
    for (std::int64_t c = 0; c < count; ++c) {
      const double mean = f(saved_mean)[c], inverse = f(saved_inverse)[c];
      const double right = 1 / std::sqrt(moments_of(f(x), rows, c, count).variance + epsilon);
      if (!(std::abs(inverse - right) <= 1e-3 * right))  // [15]
        fault("cuDNN: a saved statistic that is not 1/sqrt(variance + epsilon) of x");
      double sum = 0, along = 0;
      for (std::int64_t r = 0; r < rows; ++r) {
        const double d = f(dy)[r * count + c];
        sum += d;
        along += d * (f(x)[r * count + c] - mean) * inverse;
      }
      for (std::int64_t r = 0; r < rows; ++r)
        static_cast<float*>(dx)[r * count + c] = static_cast<float>(
            f(gamma)[c] * inverse *
            (f(dy)[r * count + c] - sum / n - (f(x)[r * count + c] - mean) * inverse * along / n));
      static_cast<float*>(dbeta)[c] = static_cast<float>(sum);
      static_cast<float*>(dgamma)[c] = static_cast<float>(along);
    }
  });
  return CUDNN_STATUS_SUCCESS;
}
