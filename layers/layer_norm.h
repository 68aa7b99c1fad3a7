#pragma once
#include "layers/layer.h"
#include "ops/layer_norm/layer_norm.h"

namespace sonograd {

// Normalises each position over its channels (Ba, Kiros & Hinton 2016), in training and inference alike.
struct LayerNormalization {
  static constexpr auto kind = "LayerNormalization";
  Parameter gamma, beta;
  double epsilon = 1e-6;

  Tensor operator()(const Tensor& x, Context&) const {
    return layer_norm(x, gamma.value, beta.value, {epsilon});
  }
  void visit(const Visit& visit) {
    visit("gamma", gamma);
    visit("beta", beta);
  }
};

// The paper's fine-tuning freezes the norms that are layers of the model itself (Role::norm), not those
// inside of a transformer block (Role::weight): its notebook does not look inside.
inline LayerNormalization layer_normalization(Int channels, Parameter::Role role = Parameter::Role::norm) {
  return {{{channels}, Init::ones(), role}, {{channels}, Init::zeros(), role}};
}

}  // namespace sonograd
