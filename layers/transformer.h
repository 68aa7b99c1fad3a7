#pragma once
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/layer_norm.h"

namespace sonograd {

// Self-attention over a sequence (Vaswani et al. 2017), [batch, tokens, channels] -> the same shape. Where
// what follows reads the first token alone, so does it: -> [batch, 1, channels], the same numbers for less
// work, unless the context looks at the layers' outputs.
struct SelfAttention {
  static constexpr auto kind = "SelfAttention";
  Int heads;
  Dense query, key, value, out;  // [channels, channels]
  bool first_token_read = false;

  Tensor read(const Tensor& x, const Context& context) const;  // the tokens of x that ask and are answered
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

// `first_token_read`: of the block's output only the first token is read.
TransformerBlock transformer_block(Int channels, Int heads, Int mlp, double dropout,
                                   bool first_token_read = false);

}  // namespace sonograd
