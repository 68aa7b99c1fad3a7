#pragma once
#include "ops/attention/attention.h"

// Attention on the gpu by cuDNN's fused graphs, where --attention cudnn asks for them: q, k, v and dy are
// rounded to 16 bits, P and the results too; sums are f32, and so are all tensors here, dense.
namespace sonograd::attention_by_cudnn {

// Whether it is asked for, of factors that are rounded to 16 bits and of tensors that are not empty.
bool takes(Precision precision, const Tensor& q);

// Both throw where cuDNN has no engine for it on this GPU.
void attend(const Attention& op, const Tensors& in, Tensor& y);
// Makes y and the statistics again first: forward keeps neither.
void gradients(const AttentionGrad& op, const Tensors& in, Tensors& out);

}  // namespace sonograd::attention_by_cudnn
