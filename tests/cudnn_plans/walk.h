#pragma once
#include "ops/conv2d/cudnn_plan.h"

namespace sonograd {

// The convolutions, each once, that a training step of the paper's models and of its GAN asks cuDNN for: a
// step with one image is run on the cpu under an observer. Products of matrices, which are cuBLAS's, and
// depthwise convolutions, which are our own kernels', are not among them.
struct Walked {
  std::string model;
  cudnn::Convolution convolution;
};
std::vector<Walked> walked_convolutions(Int batch);

}  // namespace sonograd
