#include "layers/squeeze_excite.h"

#include "layers/conv.h"
#include "ops/channel_scale/channel_scale.h"
#include "ops/reduce/reduce.h"

namespace sonograd {

SqueezeExcite squeeze_excite(Int channels, Int reduced) {
  return {conv({.in = channels, .out = reduced, .bias = true, .activation = Activation::swish}),
          conv({.in = reduced, .out = channels, .bias = true, .activation = Activation::sigmoid})};
}

Tensor SqueezeExcite::operator()(Tensor x, Context& context) const {
  const Tensor squeezed = mean(x, {1, 2}, /*keep_axes=*/true);
  const Tensor narrow = run_named("se_reduce", reduce, squeezed, context);
  const Tensor factors = run_named("se_expand", expand, narrow, context);
  Tensor y = channel_scale(std::move(x), factors);
  show_output("se_excite", y, context);
  return y;
}

void SqueezeExcite::visit(const Visit& visit) {
  reduce.visit(under("se_reduce", visit));
  expand.visit(under("se_expand", visit));
}

}  // namespace sonograd
