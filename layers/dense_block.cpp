#include "layers/dense_block.h"

#include "ops/concat/concat.h"

namespace sonograd {

Tensor DenseBlock::operator()(const Tensor& x, Context& context) const {
  Tensor y = x;
  for (const Child& child : children) {
    const LayerScope scope(child.name);
    y = concat({y, child.layers(y, context)});
    show_output("concat", y, context);
  }
  return y;
}

void DenseBlock::visit(const Visit& visit) {
  for (Child& child : children) child.layers.visit(under(child.name, visit));
}

}  // namespace sonograd
