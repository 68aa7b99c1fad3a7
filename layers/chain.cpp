#include "layers/chain.h"

#include "layers/neighbours.h"

namespace sonograd {

Chain& Chain::add(std::string name, Layer layer) {
  children.push_back({std::move(name), std::move(layer)});
  return *this;
}

Tensor Chain::operator()(Tensor y, Context& context) const {
  for (std::size_t i = 0; i < children.size();) {
    if (const std::size_t together = run_neighbours(children, i, y, context)) {
      i += together;
    } else {
      y = run_named(children[i].name, children[i].layer, std::move(y), context);
      ++i;
    }
  }
  return y;
}

void Chain::visit(const Visit& visit) {
  for (Child& child : children) child.layer.visit(under(child.name, visit));
}

}  // namespace sonograd
