#pragma once
#include "layers/layer.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/matmul/matmul.h"

namespace sonograd {

// y = activation(x · kernel + bias)
struct Dense {
  static constexpr auto kind = "Dense";
  Activation activation = Activation::none;
  Parameter kernel, bias;  // [in, out], [out]

  Tensor operator()(const Tensor& x, Context& context) const {
    return bias_activation(matmul(x, kernel.value, {.precision = context.precision}), bias.value, activation);
  }
  void visit(const Visit& visit) {
    visit("kernel", kernel);
    visit("bias", bias);
  }
};

inline Dense dense(Int in, Int out, Activation activation = Activation::none) {
  return {activation, {{in, out}, Init::glorot_uniform(in, out)}, {{out}, Init::zeros()}};
}

}  // namespace sonograd
