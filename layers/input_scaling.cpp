#include "layers/input_scaling.h"

#include <algorithm>
#include <cmath>

#include "ops/binary/binary.h"

namespace sonograd {

InputScaling input_scaling(InputForm form) {
  using Role = Parameter::Role;
  return {.form = form,
          .mean = {{3}, Init::zeros(), Role::statistic},
          .variance = {{3}, Init::ones(), Role::statistic},
          .count = {{}, Init::zeros(), Role::statistic}};
}

Tensor InputScaling::operator()(const Tensor& x, Context& context) const {
  Tensor y = multiply(x, scalar_like(x, 1.0 / 255.0));
  show_output("rescaling", y, context);
  std::vector<double> factors = variance.value.values();
  for (std::size_t c = 0; c < factors.size(); ++c) factors[c] = 1.0 / std::max(std::sqrt(factors[c]), 1e-7);
  y = multiply(subtract(y, mean.value), Tensor::of({3}, factors, x.dtype(), x.device()));
  show_output("normalization", y, context);
  if (form == InputForm::plain) return y;
  for (std::size_t c = 0; c < factors.size(); ++c) factors[c] = 1.0 / std::sqrt(imagenet_deviation[c]);
  y = multiply(y, Tensor::of({3}, factors, x.dtype(), x.device()));
  show_output("rescaling_1", y, context);
  return y;
}

void InputScaling::visit(const Visit& visit) {
  under("normalization", visit)("mean", mean);
  under("normalization", visit)("variance", variance);
  under("normalization", visit)("count", count);
}

}  // namespace sonograd
