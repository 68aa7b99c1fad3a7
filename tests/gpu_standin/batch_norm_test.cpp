// Batch norms by cuDNN's calls in the place of our kernels, and mistakes in these calls. The numbers in
// brackets are those of README.md.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/check_op.h"
#include "autograd/tape.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/batch_norm/by_cudnn.h"
#include "ops/matmul/matmul.h"
#include "ops/sum_to/sum_to.h"
#include "ops/unary/unary.h"
#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/policy.h"
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

namespace {

// The calls' descriptors of rows and of a value per channel, as a caller may make them, rightly as they
// stand.
struct Described {
  cudnnTensorDescriptor_t rows = nullptr, channels = nullptr;

  Described() {
    cudnnCreateTensorDescriptor(&rows);
    cudnnCreateTensorDescriptor(&channels);
    set(rows, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 5);
    cudnnDeriveBNTensorDescriptor(channels, rows, CUDNN_BATCHNORM_SPATIAL);
  }
  ~Described() {
    cudnnDestroyTensorDescriptor(rows);
    cudnnDestroyTensorDescriptor(channels);
  }
  Described(const Described&) = delete;
  Described& operator=(const Described&) = delete;

  static void set(cudnnTensorDescriptor_t which, cudnnTensorFormat_t format, cudnnDataType_t type, int n) {
    cudnnSetTensor4dDescriptor(which, format, type, n, 4, 1, 1);
  }
  void forward(const Tensor& x, const Tensor& gamma, Tensor& y, void* mean, void* variance) const {
    const float one = 1, none = 0;
    cudnnBatchNormalizationForwardTraining(cudnn::handle(), CUDNN_BATCHNORM_SPATIAL, &one, &none, rows,
                                           x.gpu_data<float>(), rows, y.mutable_gpu_data<float>(), channels,
                                           gamma.gpu_data<float>(), gamma.gpu_data<float>(), 1.0, mean,
                                           variance, 1e-3, nullptr, nullptr);
  }
};

}  // namespace

TEST_CASE("a type where the format belongs is refused, though either is a number [3]") {
  const Described d;
  const auto nhwc = static_cast<cudnnDataType_t>(CUDNN_TENSOR_NHWC);
  const auto f32 = static_cast<cudnnTensorFormat_t>(CUDNN_DATA_FLOAT);  // 0, as NCHW is
  CHECK(says(seen([&] { Described::set(d.rows, f32, nhwc, 5); }), "whose channels do not lie innermost"));
  CHECK(says(seen([&] { Described::set(d.rows, f32, CUDNN_DATA_FLOAT, 5); }),
             "whose channels do not lie innermost"));
  CHECK(says(seen([&] { Described::set(d.rows, CUDNN_TENSOR_NHWC, nhwc, 5); }), "a tensor that is not f32"));
  CHECK(seen([&] { Described::set(d.rows, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 5); }).faults.empty());
}

TEST_CASE("parameters of a batch norm in 16 bits, or not of its own description, are refused [16]") {
  const Tensor x = values({5, 4}), gamma = values({4});
  Tensor y = values({5, 4}), mean = Tensor::zeros({4}, DType::f32, Device::gpu), variance = mean.copy();
  const auto forward = [&](const Described& d) {
    return seen([&] {
      d.forward(x, gamma, y, mean.mutable_gpu_data<float>(), variance.mutable_gpu_data<float>());
      y.values();
    });
  };
  const Described right, halves, own, of_others;
  CHECK(forward(right).faults.empty());
  CHECK(says(seen([&] { Described::set(halves.channels, CUDNN_TENSOR_NHWC, CUDNN_DATA_HALF, 1); }),
             "a tensor that is not f32"));
  Described::set(own.channels, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, 1);
  CHECK(says(forward(own), "of shapes that do not fit"));
  CHECK(says(seen([&] {
               cudnnDeriveBNTensorDescriptor(of_others.channels, of_others.rows,
                                             CUDNN_BATCHNORM_SPATIAL_PERSISTENT);
             }),
             "not a value per channel"));
}

TEST_CASE("what backward reads of a batch norm and of an activation is not written over [17, 18]") {
  const ByCudnn on;
  const Tensor x = values({5, 4});
  for (const bool of_norm : {true, false}) {
    CAPTURE(of_norm);
    Tensor weights = values(of_norm ? Shape{4} : Shape{4, 4});
    Tape tape;
    tape.watch(weights);
    Tensor loss, written;
    if (of_norm) {
      const Normalised z = batch_norm_train(x, weights, values({4}));
      loss = sum_to(z.y, {}), written = z.variance.detach();
    } else {
      const Tensor z = matmul(x, weights);
      loss = sum_to(swish(z), {}), written = z.detach();
    }
    written.fill(1);
    CHECK(says(seen([&] { tape.gradient(loss, {weights}); }), "was written in place"));
  }
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
    Described().forward(x, gamma, dx, running_mean.mutable_gpu_data<float>(), running_variance);
    return running_mean.at(0);
  };
  CHECK(says(seen([&] { forward(dgamma, nullptr); }), "one of a mean and a variance without the other"));
  const Tensor fresh = Tensor::empty({4}, DType::f32, Device::gpu);
  CHECK(std::isnan(forward(fresh, dbeta.mutable_gpu_data<float>())));
}
