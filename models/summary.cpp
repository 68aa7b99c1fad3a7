#include "models/summary.h"

#include <map>

namespace sonograd {
namespace {

bool any(const Parameter&) {
  return true;
}
bool trains(const Parameter& parameter) {
  return parameter.trains();
}

Int trainable_in(const Model& model, TrainingPhase phase) {
  freeze_for(model, phase);
  return count_elements(model.parameters(), trains);
}

}  // namespace

ModelSummary summarise(Model model, Device device) {
  ModelSummary s;
  const auto parameters = model.parameters();
  s.parameters = count_elements(parameters, any);
  s.trainable_transfer = trainable_in(model, TrainingPhase::transfer);
  s.trainable_finetune = trainable_in(model, TrainingPhase::finetune);
  s.trainable = trainable_in(model, TrainingPhase::scratch);

  // Values do not matter, shapes do.
  model.allocate(DType::f32, device);
  for (const auto& [name, parameter] : parameters)
    parameter->value.fill(parameter->role == Parameter::Role::statistic ? 1 : 0);
  std::map<std::string, std::size_t> index;  // of a layer in s.layers
  const auto layer_of = [&](const std::string& path) -> LayerSummary& {
    const auto [at, fresh] = index.try_emplace(path, s.layers.size());
    if (fresh) s.layers.push_back({path, "", {}, 0, 0});
    return s.layers[at->second];
  };
  const Observer observer([&](const Observation& seen) {
    if (seen.layer.empty()) return;
    LayerSummary& layer = layer_of(seen.layer);
    layer.op = seen.op.name;
    layer.output = seen.outputs[0].shape();
    const Int macs = seen.call.macs(seen.inputs, seen.outputs);
    layer.macs += macs;
    s.macs += macs;
  });
  const NoGrad quiet;
  Context context{.fuse = false};
  const Int size = model.options().image_size;
  context.on_output = [&](const std::string& path, Tensor& y) { layer_of(path).output = y.shape(); };
  model.logits(Tensor::zeros({1, size, size, 3}, DType::f32, device), context);
  for (const auto& [name, parameter] : parameters)
    layer_of(name.substr(0, name.rfind('.'))).parameters += parameter->shape.elements();
  return s;
}

}  // namespace sonograd
