#pragma once
#include "layers/layer.h"
#include "ops/unary/unary.h"

namespace sonograd {

struct ActivationLayer {
  static constexpr auto kind = "ActivationLayer";
  Activation activation;

  Tensor operator()(const Tensor& x, Context&) const { return activate(x, activation); }
};

}  // namespace sonograd
