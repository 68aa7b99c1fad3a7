#pragma once
#include "layers/layer.h"

namespace sonograd {

// Squeeze-and-excitation (Hu et al. 2018): y = x · sigmoid(expand(swish(reduce(mean of x over height and
// width)))), one factor per image and channel. `reduced` is the narrow width, in EfficientNet a quarter of
// the block's input channels.
struct SqueezeExcite {
  static constexpr auto kind = "SqueezeExcite";
  Layer reduce, expand;

  Tensor operator()(Tensor x, Context& context) const;
  void visit(const Visit& visit);
};

SqueezeExcite squeeze_excite(Int channels, Int reduced);

}  // namespace sonograd
