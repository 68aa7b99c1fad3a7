#pragma once
#include "layers/chain.h"

namespace sonograd {

// Each layer reads the channels of all before it and puts its own behind them (Huang et al. 2017, eq. 2):
//   x_l = [x_{l-1}, H_l(x_{l-1})]
// All x_l lie in one buffer, each the beginning of the next: a layer copies its new channels and no others.
struct DenseBlock {
  static constexpr auto kind = "DenseBlock";
  struct Child {
    std::string name;
    Chain layers;  // H_l
  };
  std::vector<Child> children;
  Int channels;  // after the last layer

  Tensor operator()(const Tensor& x, Context& context) const;
  void visit(const Visit& visit);
};

}  // namespace sonograd
