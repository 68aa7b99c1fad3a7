#include "layers/dense_block.h"

#include "ops/append/append.h"

namespace sonograd {

Tensor DenseBlock::operator()(const Tensor& x, Context& context) const {
  Shape all = x.shape();
  all[-1] = channels;
  const Tensor buffer = Tensor::empty(all, x.dtype(), x.device());
  Tensor y = x;
  for (const Child& child : children) {
    const LayerScope scope(child.name);
    y = append(y, child.layers(y, context), buffer);
    show_output("concat", y, context);
  }
  return y;
}

void DenseBlock::visit(const Visit& visit) {
  for (Child& child : children) child.layers.visit(under(child.name, visit));
}

}  // namespace sonograd
