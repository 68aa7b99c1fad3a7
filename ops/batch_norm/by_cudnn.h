#pragma once
#include "tensor/tensor.h"

// Batch norms on the gpu by cuDNN's own calls, without an activation: where --batch-norm cudnn asks for them,
// to be held against our kernels (batch_norm.cu), which still make again what backward asks for: in last bits
// it may then differ. x, y and dz are dense, f32.
namespace sonograd::batch_norm_by_cudnn {

// Whether it is asked for, and x dense, of more than one row and of less than 2^31 elements.
bool takes(const Tensor& x);

// `unbiased` gets n/(n - 1) times the variance of n rows: the library gives no other.
void train(const Tensor& x, const Tensor& gamma, const Tensor& beta, double epsilon, Tensor& y, Tensor& mean,
           Tensor& unbiased);

// inverse: 1/√(σ² + ε), of the biased variance.
void gradients(const Tensor& x, const Tensor& gamma, const Tensor& mean, const Tensor& inverse,
               const Tensor& dz, double epsilon, Tensor& dx, Tensor& dgamma, Tensor& dbeta);

}  // namespace sonograd::batch_norm_by_cudnn
