#pragma once
#include "ops/attention/attention.h"

// Attention on the gpu by cuDNN's fused graphs, where --attention cudnn asks for them: in bf16 or f16, which
// its sums in f32 are made of, P and the results rounded too. All tensors are dense, f32.
namespace sonograd::attention_by_cudnn {

// Whether it is asked for, of factors that are rounded to 16 bits and of tensors that are not empty.
bool takes(Precision precision, const Tensor& q);

// Both throw where cuDNN has no engine for it on this GPU.
void attend(const Attention& op, const Tensors& in, Tensor& y);
// Makes y and the statistics again first, which go forward with it alone.
void gradients(const AttentionGrad& op, const Tensors& in, Tensors& out);

}  // namespace sonograd::attention_by_cudnn
