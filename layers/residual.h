#pragma once
#include "layers/chain.h"

namespace sonograd {

// y = block(x) · keep / (1 - rate) + shortcut(x), one draw of keep per image (stochastic depth, Huang et al.
// 2016; EfficientNet's drop-connect). An empty shortcut is the identity (He et al. 2016).
struct Residual {
  static constexpr auto kind = "Residual";
  Chain block;
  double drop_rate = 0;
  Chain shortcut = {};
  std::string name = "add";  // of the output

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit) {
    block.visit(visit);
    shortcut.visit(visit);
  }
};

}  // namespace sonograd
