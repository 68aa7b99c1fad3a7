#pragma once
#include "layers/dropout.h"

namespace sonograd {

// y = softmax(q/sqrt(size) · kᵀ) · v for each head: k and v [batch, tokens, heads·size], q and y [batch,
// queries, heads·size], as many queries as tokens or fewer. `dropout` is the rate at which the softmax's
// probabilities are dropped.
Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, Int heads, const DropoutLayer& dropout,
              Context& context);

// Multi-head self-attention (Vaswani et al. 2017) over both spatial axes of a feature map at once, as Keras'
// MultiHeadAttention(heads, size)(x, x) does on a 4-D input: the height · width positions are the tokens.
//   q, k, v = x·W + b;  y = softmax(q/sqrt(size) · kᵀ) · v;  out = y·W + b
// [batch, height, width, channels] -> the same shape. Kernels as Keras keeps them: [channels, heads, size]
// and [heads, size, channels].
struct MultiHeadAttention {
  static constexpr auto kind = "MultiHeadAttention";
  struct Projection {
    Parameter kernel, bias;
  };
  Int heads, size;
  DropoutLayer dropout = {0.1};  // of the softmax's probabilities, in training
  Projection query, key, value, output;

  Tensor operator()(const Tensor& x, Context& context) const;
  // Its output's mean over the positions, [batch, channels], for half the work: all that comes after the
  // softmax is linear, so the mean is taken of the probabilities, before values and output are projected.
  Tensor mean(const Tensor& x, Context& context) const;
  // What gives for x what this gives for gamma·x + beta: both are taken into the kernels and biases of q, k,
  // v.
  MultiHeadAttention after(const Tensor& gamma, const Tensor& beta) const;
  void visit(const Visit& visit);
};

// Keras 2 and 3 draw the kernels from different ranges: EinsumDense's fans were corrected in between, so the
// notebook's (Keras 2) queries, keys and values start smaller, in aeganb3 by twelve times.
MultiHeadAttention multi_head_attention(Int channels, Int heads, Int size, Keras keras);

}  // namespace sonograd
