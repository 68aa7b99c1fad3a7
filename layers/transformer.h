#pragma once
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/layer_norm.h"

namespace sonograd {

// Self-attention over a sequence (Vaswani et al. 2017), [batch, tokens, channels] -> the same shape.
struct SelfAttention {
  static constexpr auto kind = "MultiHeadSelfAttention";
  Int heads;
  Dense query, key, value, out;  // [channels, channels]

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit);
};

// An encoder block of the Vision Transformer (Dosovitskiy et al. 2021, eq. 2 and 3), norms before their
// parts:
//   z = dropout(attention(norm_0(x))) + x
//   y = dropout(dense_1(dropout(gelu(dense_0(norm_2(z)))))) + z
struct TransformerBlock {
  static constexpr auto kind = "TransformerBlock";
  SelfAttention attention;
  Dense widen, narrow;
  LayerNormalization first_norm, second_norm;
  DropoutLayer dropout;

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit);
};

TransformerBlock transformer_block(Int channels, Int heads, Int mlp, double dropout);

}  // namespace sonograd
