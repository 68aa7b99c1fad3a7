#include "ops/attention/by_cudnn.h"

namespace sonograd {
namespace {

// On the gpu the probabilities are there in whole while the op runs, and gone after it.
void attention_gpu(const Attention& op, const Tensors& in, Tensors& out) {
  if (attention_by_cudnn::takes(op.precision, in[0])) return attention_by_cudnn::attend(op, in, out[0]);
  if (op.precision != Precision::full)
    return attention_gpu({op.heads}, rounded_factors(in, op.precision), out);
  const Tensor p = attention_probabilities(in[0], in[1], op.heads);
  out[0].assign(join_heads(matmul(p, split_heads(in[2], op.heads))));
}

void attention_grad_gpu(const AttentionGrad& op, const Tensors& in, Tensors& out) {
  if (attention_by_cudnn::takes(op.precision, in[0])) return attention_by_cudnn::gradients(op, in, out);
  if (op.precision != Precision::full)
    return attention_grad_gpu({op.heads}, rounded_factors(in, op.precision), out);
  const Tensor q = split_heads(in[0], op.heads), k = split_heads(in[1], op.heads),
               v = split_heads(in[2], op.heads), dy = split_heads(in[3], op.heads);
  const Tensor p = attention_probabilities(in[0], in[1], op.heads);
  out[2].assign(join_heads(matmul(p, dy, {.transpose_x = true})));
  const Tensor g = apply(SoftmaxGrad{}, p, matmul(dy, v, {.transpose_w = true}));
  const Tensor ds = multiply(g, scalar_like(g, Attention{op.heads}.scale(in[0].size(2))));
  out[0].assign(join_heads(matmul(ds, k)));
  out[1].assign(join_heads(matmul(ds, q, {.transpose_x = true})));
}

}  // namespace

void register_attention_gpu(Registry& registry) {
  registry.add_gpu<Attention>(attention_gpu);
  registry.add_gpu<AttentionGrad>(attention_grad_gpu);
}

}  // namespace sonograd
