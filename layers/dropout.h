#pragma once
#include "layers/layer.h"
#include "ops/dropout/dropout.h"

namespace sonograd {

// Elements become 0 by chance in training, the others are scaled up (Srivastava et al. 2014).
struct DropoutLayer {
  static constexpr auto kind = "DropoutLayer";
  double rate = 0;

  Tensor operator()(const Tensor& x, Context& context) const {
    if (rate == 0 || !context.drops()) return x;
    return dropout(
        x,
        {.rate = rate, .random = context.random.stream(layer_path()), .first_sample = context.first_sample});
  }
};

}  // namespace sonograd
