#include "layers/layer.h"

#include "layers/recompute.h"

namespace sonograd {

Visit under(const std::string& name, const Visit& visit) {
  if (name.empty()) return visit;
  return
      [name, visit](const std::string& path, Parameter& parameter) { visit(name + "." + path, parameter); };
}

Tensor run_named(const std::string& name, const Layer& layer, Tensor x, Context& context) {
  const LayerScope scope(name);
  Tensor y =
      context.recompute && is_block(layer) ? recomputed(layer, x, context) : layer(std::move(x), context);
  if (!name.empty() && context.on_output) context.on_output(layer_path(), y);
  return y;
}

void show_output(const std::string& name, Tensor& y, Context& context) {
  if (name.empty() || !context.on_output) return;
  const LayerScope scope(name);
  context.on_output(layer_path(), y);
}

}  // namespace sonograd
