#include "layers/transformer.h"

#include "layers/attention.h"
#include "ops/binary/binary.h"
#include "ops/pad/pad.h"

namespace sonograd {
namespace {

// Names of parts are vit-keras', which keeps those of the authors' JAX code, gaps in the numbers included.
constexpr auto attention_name = "MultiHeadDotProductAttention_1", mlp_name = "MlpBlock_3";

}  // namespace

Tensor SelfAttention::read(const Tensor& x, const Context& context) const {
  return first_token_read && !context.on_output ? slice(x, 1, 0, 1) : x;
}

Tensor SelfAttention::operator()(const Tensor& x, Context& context) const {
  const Tensor q = run_named("query", query, read(x, context), context),
               k = run_named("key", key, x, context), v = run_named("value", value, x, context);
  return run_named("out", out, attend(q, k, v, heads, {}, context), context);
}

void SelfAttention::visit(const Visit& visit) {
  query.visit(under("query", visit));
  key.visit(under("key", visit));
  value.visit(under("value", visit));
  out.visit(under("out", visit));
}

Tensor TransformerBlock::operator()(const Tensor& x, Context& context) const {
  Tensor y = run_named("LayerNorm_0", first_norm, x, context);
  y = run_named(attention_name, attention, y, context);
  const Tensor z = add(run_named("Dropout_1", dropout, y, context), attention.read(x, context));
  y = run_named("LayerNorm_2", second_norm, z, context);
  {
    const LayerScope scope(mlp_name);
    y = run_named("Dense_0", widen, y, context);
    y = run_named("Dropout_0", dropout, y, context);
    y = run_named("Dense_1", narrow, y, context);
    y = run_named("Dropout_1", dropout, y, context);
  }
  return add(y, z);
}

void TransformerBlock::visit(const Visit& visit) {
  attention.visit(under(attention_name, visit));
  const Visit mlp = under(mlp_name, visit);
  widen.visit(under("Dense_0", mlp));
  narrow.visit(under("Dense_1", mlp));
  first_norm.visit(under("LayerNorm_0", visit));
  second_norm.visit(under("LayerNorm_2", visit));
}

TransformerBlock transformer_block(Int channels, Int heads, Int mlp, double dropout, bool first_token_read) {
  const Dense square = dense(channels, channels);
  const LayerNormalization norm = layer_normalization(channels, Parameter::Role::weight);
  return {.attention = {heads, square, square, square, square, first_token_read},
          .widen = dense(channels, mlp, Activation::gelu),
          .narrow = dense(mlp, channels),
          .first_norm = norm,
          .second_norm = norm,
          .dropout = {dropout}};
}

}  // namespace sonograd
