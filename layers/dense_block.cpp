#include "layers/dense_block.h"

#include "layers/recompute.h"
#include "ops/append/append.h"

namespace sonograd {

Tensor DenseBlock::operator()(const Tensor& x, Context& context) const {
  Shape all = x.shape();
  all[-1] = channels;
  const Tensor buffer = Tensor::empty(all, x.dtype(), x.device());
  Tensor y = x;
  for (const Child& child : children) {
    const LayerScope scope(child.name);
    const Tensor grown = context.recompute ? recomputed(child.layers, y, context) : child.layers(y, context);
    y = append(y, grown, buffer);
    show_output("concat", y, context);
  }
  return y;
}

void DenseBlock::visit(const Visit& visit) {
  for (Child& child : children) child.layers.visit(under(child.name, visit));
}

}  // namespace sonograd
