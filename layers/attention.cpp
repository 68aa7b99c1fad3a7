#include "layers/attention.h"

#include "ops/attention/attention.h"
#include "ops/bias_activation/bias_activation.h"

namespace sonograd {
namespace {

Tensor project(const Tensor& x, const MultiHeadAttention::Projection& projection, Int in, Int out,
               const Context& context) {
  const Tensor kernel = reshape(projection.kernel.value, {in, out});
  const Tensor y = matmul(x, kernel, {.precision = context.precision});
  return bias_activation(y, reshape(projection.bias.value, {out}), Activation::none);
}

}  // namespace

Tensor attend(const Tensor& q, const Tensor& k, const Tensor& v, Int heads, const DropoutLayer& dropout,
              Context& context) {
  if (dropout.rate == 0 || !context.drops()) return attention(q, k, v, heads);
  const Tensor kept = dropout(attention_probabilities(q, k, heads), context);
  return join_heads(matmul(kept, split_heads(v, heads)));
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
