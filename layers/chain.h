#pragma once
#include "layers/layer.h"

namespace sonograd {

// Layers one after another. The names given to add() are checkpoint keys, error paths and Grad-CAM targets at
// once; a layer added under the empty name adds nothing to the path.
class Chain {
 public:
  static constexpr auto kind = "Chain";

  Chain& add(std::string name, Layer layer);

  // Some neighbours run together (layers/neighbours.h) unless the context says otherwise.
  Tensor operator()(Tensor y, Context& context) const;
  void visit(const Visit& visit);

  struct Child {
    std::string name;
    Layer layer;
  };
  const std::vector<Child>& layers() const { return children; }

 private:
  std::vector<Child> children;
};

}  // namespace sonograd
