#include "layers/attention.h"

#include "ops/attention/attention.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/binary/binary.h"
#include "ops/reduce/reduce.h"
#include "tensor/gpu/policy.h"

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
  if (dropout.rate == 0 || !context.drops())
    return attention(q, k, v, heads, gpu::policy().cudnn_attention ? context.precision : Precision::full);
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

Tensor MultiHeadAttention::mean(const Tensor& x, Context& context) const {
  const Int batch = x.size(0), tokens = x.size(1) * x.size(2), channels = x.size(3), width = heads * size;
  const Tensor flat = reshape(x, {batch, tokens, channels});
  const Tensor q = project(flat, query, channels, width, context);
  const Tensor k = project(flat, key, channels, width, context);
  const Tensor each = dropout(attention_probabilities(q, k, heads), context);
  const Tensor p = sonograd::mean(each, {2});  // [batch, heads, tokens]
  const auto by_head = [](const Tensor& t) { return permute(t, {1, 0, 2}); };
  const Tensor read = by_head(matmul(p, flat));  // [heads, batch, channels]
  const Tensor v = matmul(read, by_head(value.kernel.value), {.precision = context.precision});
  const Tensor bias = multiply(sum(by_head(p), {2}, true), reshape(value.bias.value, {heads, 1, size}));
  const Tensor attended = reshape(by_head(add(v, bias)), {batch, width});
  return project(attended, output, width, channels, context);
}

MultiHeadAttention MultiHeadAttention::after(const Tensor& gamma, const Tensor& beta) const {
  const Int channels = gamma.elements();
  const auto folded = [&](const Projection& projection) {
    const Tensor kernel = reshape(projection.kernel.value, {channels, heads * size});
    Projection with = projection;
    with.kernel.value = reshape(multiply(reshape(gamma, {channels, 1}), kernel), projection.kernel.shape);
    with.bias.value =
        add(projection.bias.value, reshape(matmul(reshape(beta, {1, channels}), kernel), {heads, size}));
    return with;
  };
  MultiHeadAttention attention = *this;
  attention.query = folded(query);
  attention.key = folded(key);
  attention.value = folded(value);
  return attention;
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
