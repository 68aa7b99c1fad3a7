// Batch norms by cuDNN's calls in the place of our kernels, and mistakes in these calls.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/check_op.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/batch_norm/by_cudnn.h"
#include "tensor/cudnn.h"
#include "tensor/gpu_policy.h"
#include "tests/gpu_standin/seen.h"

using namespace sonograd;
using namespace gpu_standin;

namespace {

struct ByCudnn {
  ByCudnn() { gpu::policy().cudnn_batch_norm = true; }
  ~ByCudnn() { gpu::policy() = {}; }
};

Tensor values(const Shape& shape) {
  std::vector<double> all;
  for (Int i = 0; i < shape.elements(); ++i) all.push_back(static_cast<double>(i * i % 7) - 2);
  return Tensor::of(shape, all).to(Device::gpu);
}

}  // namespace

TEST_CASE("cuDNN's batch norms give the values and gradients of the reference on every sample") {
  const ByCudnn on;
  for (const Check& check : check_op_on(Device::gpu, registry().at("batch_norm_train"))) {
    if (check.what == "again on gpu") continue;  // is by our kernels, and other in its last bits
    INFO(check.what << ": " << check.text);
    CHECK(check.ok);
  }
}

TEST_CASE("cuDNN is asked where it is chosen, for what it can do") {
  const Tensor x = values({2, 3, 3, 4}), one_row = values({1, 4});
  CHECK_FALSE(batch_norm_by_cudnn::takes(x));
  const ByCudnn on;
  CHECK(batch_norm_by_cudnn::takes(x));
  CHECK_FALSE(batch_norm_by_cudnn::takes(one_row));
  CHECK_FALSE(batch_norm_by_cudnn::takes(x.slice(3, 0, 2)));
  const std::size_t before = launches();
  batch_norm_train(x, values({4}), values({4}));
  CHECK(launches() == before + 4);  // two fills, cuDNN's, the variance
}

TEST_CASE(
    "the variance where its inverse root belongs, a lone statistic and a fresh average are caught [15]") {
  const Tensor x = values({5, 4}), gamma = values({4}), mean = values({4}), dz = values({5, 4});
  Tensor dx = values({5, 4}), dgamma = values({4}), dbeta = values({4});
  CHECK(says(seen([&] {
               batch_norm_by_cudnn::gradients(x, gamma, mean, values({4}), dz, 1e-3, dx, dgamma, dbeta);
               dx.values();
             }),
             "not 1/sqrt(variance + epsilon)"));
  const auto forward = [&](Tensor running_mean, void* running_variance) {
    const float one = 1, none = 0;
    cudnnTensorDescriptor_t rows = nullptr, channels = nullptr;
    cudnnCreateTensorDescriptor(&rows);
    cudnnCreateTensorDescriptor(&channels);
    cudnnSetTensor4dDescriptor(rows, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 5, 4, 1, 1);
    cudnnDeriveBNTensorDescriptor(channels, rows, CUDNN_BATCHNORM_SPATIAL);
    cudnnBatchNormalizationForwardTraining(
        cudnn::handle(), CUDNN_BATCHNORM_SPATIAL, &one, &none, rows, x.gpu_data<float>(), rows,
        dx.mutable_gpu_data<float>(), channels, gamma.gpu_data<float>(), gamma.gpu_data<float>(), 1.0,
        running_mean.mutable_gpu_data<float>(), running_variance, 1e-3, nullptr, nullptr);
    cudnnDestroyTensorDescriptor(rows);
    cudnnDestroyTensorDescriptor(channels);
    return running_mean.at(0);
  };
  CHECK(says(seen([&] { forward(dgamma, nullptr); }), "one of a mean and a variance without the other"));
  const Tensor fresh = Tensor::empty({4}, DType::f32, Device::gpu);
  CHECK(std::isnan(forward(fresh, dbeta.mutable_gpu_data<float>())));
}
