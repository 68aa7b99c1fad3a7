#pragma once
#include "layers/layer.h"
#include "ops/unary/functions.h"

namespace sonograd {

// Normalises each channel (Ioffe & Szegedy 2015). In training it uses the batch's statistics and moves the
// averages; frozen or in inference it uses the moving averages, as TensorFlow 2's Keras, 2 and 3 alike, does
// for a layer that is not trainable. What the two move the averages by differs: of a feature map's variance
// Keras 3 takes the batch's as it is, Keras 2 n / (n - 1) of it (Context::keras).
struct BatchNorm {
  static constexpr auto kind = "BatchNorm";
  double momentum = 0.99, epsilon = 1e-3;
  Parameter gamma, beta, moving_mean, moving_variance;

  Tensor operator()(Tensor x, Context& context) const {
    return normalise(std::move(x), context, Activation::none);
  }
  // Whether the statistics are the batch's, not the moving averages.
  bool uses_batch(const Context& context) const { return context.training && gamma.trains(); }
  Tensor normalise(Tensor x, Context& context, Activation activation) const;
  void visit(const Visit& visit);
};

BatchNorm batch_norm(Int channels, double momentum = 0.99, double epsilon = 1e-3);

}  // namespace sonograd
