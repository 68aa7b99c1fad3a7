#pragma once
#include "ops/attention/attention_plan.h"
#include "ops/conv2d/convolution_plan.h"

namespace sonograd {

// What a training step of our models and of the GAN, of 64 and 224 pixels, on 32 images may ask cuDNN for,
// each once: a step with one image is run on the cpu under an observer. Products of matrices, which are
// cuBLASLt's, and depthwise convolutions, which are our own kernels', are not among the convolutions. The
// models are the paper's and the small ones; all of them under asks_for_all().
struct Walked {
  std::string model;
  cudnn::Convolution convolution;
};
struct Walk {
  std::vector<Walked> convolutions;
  std::vector<cudnn::FusedAttention> attention;  // forward and backward
};
const Walk& walk();

bool writes_table();  // SONOGRAD_WRITE_PLANS=1
bool asks_for_all();  // this, or SONOGRAD_FULL=1

}  // namespace sonograd
