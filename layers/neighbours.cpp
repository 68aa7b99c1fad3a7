#include "layers/neighbours.h"

#include "layers/activation.h"
#include "layers/attention.h"
#include "layers/batch_norm.h"
#include "layers/pooling.h"

namespace sonograd {
namespace {

template <class L>
const L* child(const std::vector<Chain::Child>& children, std::size_t at) {
  return at < children.size() ? children[at].layer.get_if<L>() : nullptr;
}

template <class F>
Tensor under_name(const Chain::Child& child, F run) {
  const LayerScope scope(child.name);
  return run();
}

// The same norm with γ = 1 and β = 0.
BatchNorm without_affine(BatchNorm norm) {
  const auto filled = [](const Tensor& like, double value) {
    Tensor all = Tensor::empty(like.shape(), like.dtype(), like.device());
    all.fill(value);
    return all;
  };
  norm.gamma.value = filled(norm.gamma.value, 1);
  norm.beta.value = filled(norm.beta.value, 0);
  return norm;
}

}  // namespace

std::size_t run_neighbours(const std::vector<Chain::Child>& children, std::size_t at, Tensor& x,
                           Context& context) {
  if (!context.fuse) return 0;
  const auto* const norm = child<BatchNorm>(children, at);
  if (const auto* const next = child<ActivationLayer>(children, at + 1); norm && next) {
    x = under_name(children[at], [&] { return norm->normalise(std::move(x), context, next->activation); });
    show_output(children[at + 1].name, x, context);
    return 2;
  }
  if (context.on_output) return 0;
  if (const auto* const next = child<MultiHeadAttention>(children, at + 1);
      norm && next && norm->uses_batch(context) && !x.tape()) {
    x = under_name(children[at], [&] { return without_affine(*norm)(x, context); });
    x = under_name(children[at + 1],
                   [&] { return next->after(norm->gamma.value, norm->beta.value)(x, context); });
    return 2;
  }
  const auto* const attention = child<MultiHeadAttention>(children, at);
  const auto* const second = child<BatchNorm>(children, at + 1);
  const auto* const pooling = child<GlobalPooling>(children, at + 2);
  if (attention && second && !second->uses_batch(context) && pooling &&
      pooling->pooling == Pooling::average) {
    x = under_name(children[at], [&] { return attention->mean(x, context); });
    x = under_name(children[at + 1], [&] { return (*second)(x, context); });
    return 3;
  }
  return 0;
}

}  // namespace sonograd
