#include "layers/batch_norm.h"

#include "layers/across.h"
#include "ops/batch_norm/batch_norm.h"
#include "ops/batch_norm/frozen.h"

namespace sonograd {

BatchNorm batch_norm(Int channels, double momentum, double epsilon) {
  using Role = Parameter::Role;
  return {.momentum = momentum,
          .epsilon = epsilon,
          .gamma = {{channels}, Init::ones(), Role::norm},
          .beta = {{channels}, Init::zeros(), Role::norm},
          .moving_mean = {{channels}, Init::zeros(), Role::statistic},
          .moving_variance = {{channels}, Init::ones(), Role::statistic}};
}

Tensor BatchNorm::normalise(Tensor x, Context& context, Activation activation) const {
  if (!uses_batch(context))
    return batch_norm_frozen(std::move(x), gamma.value, beta.value, moving_mean.value, moving_variance.value,
                             {.epsilon = epsilon, .activation = activation});
  const BatchNormTrain op{.epsilon = epsilon, .activation = activation};
  const Normalised out = context.across ? batch_norm_across(x, gamma.value, beta.value, op, *context.across)
                                        : batch_norm_train(x, gamma.value, beta.value, op);
  const Int rows = x.elements() / x.size(-1);
  const auto n = static_cast<double>(context.across ? rows / x.size(0) * context.across->images : rows);
  const double unbiased = context.keras == Keras::v2 && x.rank() == 4 && n > 1 ? n / (n - 1) : 1.0;
  const double keep = context.norm_momentum.value_or(momentum);
  context.updates.push_back(
      {.moving = moving_mean.value, .batch = out.mean.detach(), .momentum = keep, .factor = 1});
  context.updates.push_back({.moving = moving_variance.value,
                             .batch = out.variance.detach(),
                             .momentum = keep,
                             .factor = unbiased});
  return out.y;
}

void BatchNorm::visit(const Visit& visit) {
  visit("gamma", gamma);
  visit("beta", beta);
  visit("moving_mean", moving_mean);
  visit("moving_variance", moving_variance);
}

}  // namespace sonograd
