#include "layers/attention.h"

#include <cmath>

#include "ops/bias_activation/bias_activation.h"
#include "ops/binary/binary.h"
#include "ops/matmul/matmul.h"
#include "ops/permute/permute.h"
#include "ops/reshape/reshape.h"
#include "ops/softmax/softmax.h"

namespace sonograd {
namespace {

// [batch, tokens, heads·size] -> [batch, heads, tokens, size]
Tensor split_heads(const Tensor& x, Int heads) {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}

Tensor project(const Tensor& x, const MultiHeadAttention::Projection& projection, Int in, Int out,
               const Context& context) {
  const Tensor kernel = reshape(projection.kernel.value, {in, out});
  const Tensor y = matmul(x, kernel, {.precision = context.precision});
  return bias_activation(y, reshape(projection.bias.value, {out}), Activation::none);
}

}  // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, Int heads, const DropoutLayer& dropout,
              Context& context) {
  const Int width = q.size(2);
  const double size = static_cast<double>(width) / static_cast<double>(heads);
  const Tensor scaled = multiply(q, scalar_like(q, 1.0 / std::sqrt(size)));
  const Tensor scores = matmul(split_heads(scaled, heads), split_heads(k, heads), {.transpose_w = true});
  const Tensor attended = dropout(softmax(scores), context);
  const Tensor mixed = permute(matmul(attended, split_heads(v, heads)), {0, 2, 1, 3});
  return reshape(mixed, {q.size(0), q.size(1), width});
}

Tensor MultiHeadAttention::operator()(const Tensor& x, Context& context) const {
  const Int batch = x.size(0), tokens = x.size(1) * x.size(2), channels = x.size(3), width = heads * size;
  const Tensor flat = reshape(x, {batch, tokens, channels});
  const Tensor q = project(flat, query, channels, width, context);
  const Tensor k = project(flat, key, channels, width, context);
  const Tensor v = project(flat, value, channels, width, context);
  const Tensor out = project(attend(q, k, v, heads, dropout, context), output, width, channels, context);
  return reshape(out, x.shape());
}

void MultiHeadAttention::visit(const Visit& visit) {
  const auto visit_projection = [&](const char* name, Projection& projection) {
    under(name, visit)("kernel", projection.kernel);
    under(name, visit)("bias", projection.bias);
  };
  visit_projection("query", query);
  visit_projection("key", key);
  visit_projection("value", value);
  visit_projection("attention_output", output);
}

MultiHeadAttention multi_head_attention(Int channels, Int heads, Int size, Keras keras) {
  const Int width = heads * size;
  // Keras 2 took the kernels for convolution weights: all axes but the last two are a receptive field.
  const Init in = keras == Keras::v2 ? Init::glorot_uniform(channels * heads, channels * size)
                                     : Init::glorot_uniform(channels, width);
  const Init out = keras == Keras::v2 ? Init::glorot_uniform(heads * size, heads * channels)
                                      : Init::glorot_uniform(width, channels);
  const MultiHeadAttention::Projection to_heads{{{channels, heads, size}, in},
                                                {{heads, size}, Init::zeros()}};
  return {.heads = heads,
          .size = size,
          .query = to_heads,
          .key = to_heads,
          .value = to_heads,
          .output = {{{heads, size, channels}, out}, {{channels}, Init::zeros()}}};
}

}  // namespace sonograd
