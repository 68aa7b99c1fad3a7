#pragma once
#include "ops/attention/cudnn_plan.h"
#include "ops/conv2d/cudnn_plan.h"

namespace sonograd {

// What a training step of the paper's models and of its GAN on 32 images may ask cuDNN for, each once: a step
// with one image is run on the cpu under an observer. Products of matrices, which are cuBLASLt's, and
// depthwise convolutions, which are our own kernels', are not among the convolutions.
struct Walked {
  std::string model;
  cudnn::Convolution convolution;
};
struct Walk {
  std::vector<Walked> convolutions;
  std::vector<cudnn::FusedAttention> attention;  // forward and backward
};
const Walk& walk();

}  // namespace sonograd
