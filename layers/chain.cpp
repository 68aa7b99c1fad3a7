#include "layers/chain.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"

namespace sonograd {

Chain& Chain::add(std::string name, Layer layer) {
  children.push_back({std::move(name), std::move(layer)});
  return *this;
}

Tensor Chain::operator()(const Tensor& x, Context& context) const {
  Tensor y = x;
  for (std::size_t i = 0; i < children.size(); ++i) {
    const Child& child = children[i];
    const auto* const norm = child.layer.get_if<BatchNorm>();
    const auto* const next =
        i + 1 < children.size() ? children[i + 1].layer.get_if<ActivationLayer>() : nullptr;
    if (norm && next && context.fuse) {
      {
        const LayerScope scope(child.name);
        y = norm->normalise(y, context, next->activation);
      }
      show_output(children[++i].name, y, context);
    } else {
      y = run_named(child.name, child.layer, y, context);
    }
  }
  return y;
}

void Chain::visit(const Visit& visit) {
  for (Child& child : children) child.layer.visit(under(child.name, visit));
}

}  // namespace sonograd
