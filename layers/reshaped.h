#pragma once
#include "layers/layer.h"
#include "ops/reshape/reshape.h"

namespace sonograd {

// [batch, …] -> [batch, target…]
struct Reshaped {
  static constexpr auto kind = "Reshaped";
  Shape target;

  Tensor operator()(const Tensor& x, Context&) const {
    Shape shape{x.size(0)};
    for (const Int size : target) shape.push_back(size);
    return reshape(x, shape);
  }
};

}  // namespace sonograd
