#include "layers/residual.h"

#include "ops/binary/binary.h"
#include "ops/dropout/dropout.h"

namespace sonograd {

Tensor Residual::operator()(const Tensor& x, Context& context) const {
  Tensor y = block(x, context);
  const Tensor beside = shortcut(x, context);
  Tensor sum;
  if (drop_rate > 0 && context.drops()) {
    const LayerScope scope("drop");
    sum = residual_add(y, beside,
                       {.rate = drop_rate,
                        .random = context.random.stream(layer_path()),
                        .first_sample = context.first_sample,
                        .noise = Noise::per_sample});
  } else {
    sum = apply_over(Add{}, std::move(y), beside);
  }
  show_output(name, sum, context);
  return sum;
}

}  // namespace sonograd
