#include "ops/batch_norm/by_cudnn.h"

#include "tensor/gpu/cudnn.h"
#include "tensor/gpu/policy.h"

namespace sonograd::batch_norm_by_cudnn {
namespace {

using cudnn::check;
using cudnn::functions;

constexpr auto mode = CUDNN_BATCHNORM_SPATIAL;

class Descriptor {
 public:
  explicit Descriptor(const std::string& what) {
    check(functions().create_tensor_descriptor(&made), "cudnnCreateTensorDescriptor", what);
  }
  ~Descriptor() { functions().destroy_tensor_descriptor(made); }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  operator cudnnTensorDescriptor_t() const { return made; }

 private:
  cudnnTensorDescriptor_t made = nullptr;
};

// How the older calls are told of x, and of a value per channel.
struct Described {
  explicit Described(const Tensor& x) : what("batch norm of x " + x.shape().text()) {
    const Shape s = x.rank() == 4 ? x.shape() : Shape{x.elements() / x.size(-1), 1, 1, x.size(-1)};
    check(functions().set_tensor_4d(rows, CUDNN_TENSOR_NHWC, CUDNN_DATA_FLOAT, static_cast<int>(s[0]),
                                    static_cast<int>(s[3]), static_cast<int>(s[1]), static_cast<int>(s[2])),
          "cudnnSetTensor4dDescriptor", what);
    check(functions().derive_norm_descriptor(channels, rows, mode), "cudnnDeriveBNTensorDescriptor", what);
  }

  std::string what;
  Descriptor rows{what}, channels{what};
};

constexpr float one = 1, none = 0;

}  // namespace

bool takes(const Tensor& x) {
  return gpu::policy().cudnn_batch_norm && x.dense() && x.elements() > x.size(-1) &&
         x.elements() < Int{1} << 31;
}

// With a factor of 1 the running averages are the batch's own statistics; what they were is still read.
void train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y, Tensor& mean,
           Tensor& unbiased) {
  const Described shapes(x);
  mean.fill(0);
  unbiased.fill(0);
  check(functions().norm_forward(cudnn::handle(), mode, &one, &none, shapes.rows, x.gpu_data<float>(),
                                 shapes.rows, y.mutable_gpu_data<float>(), shapes.channels,
                                 gamma.gpu_data<float>(), beta.gpu_data<float>(), 1.0,
                                 mean.mutable_gpu_data<float>(), unbiased.mutable_gpu_data<float>(), epsilon,
                                 nullptr, nullptr),
        "cudnnBatchNormalizationForwardTraining", shapes.what);
}

void gradients(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& inverse,
               const Tensor& dz, double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta) {
  const Described shapes(x);
  check(functions().norm_backward(cudnn::handle(), mode, &one, &none, &one, &none, shapes.rows,
                                  x.gpu_data<float>(), shapes.rows, dz.gpu_data<float>(), shapes.rows,
                                  dx.mutable_gpu_data<float>(), shapes.channels, gamma.gpu_data<float>(),
                                  dgamma.mutable_gpu_data<float>(), dbeta.mutable_gpu_data<float>(), epsilon,
                                  mean.gpu_data<float>(), inverse.gpu_data<float>()),
        "cudnnBatchNormalizationBackward", shapes.what);
}

}  // namespace sonograd::batch_norm_by_cudnn
