#pragma once
#include "layers/chain.h"

namespace sonograd {

// y = block(x) · keep / (1 - rate) + x, one draw of keep per image (stochastic depth, Huang et al. 2016;
// EfficientNet's drop-connect)
struct Residual {
  static constexpr auto kind = "Add";
  Chain block;
  double drop_rate = 0;

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit) { block.visit(visit); }
};

}  // namespace sonograd
