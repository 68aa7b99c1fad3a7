#include "models/summary.h"

#include <algorithm>
#include <map>

namespace sonograd {
namespace {

bool any(const Parameter&) {
  return true;
}
bool trains(const Parameter& parameter) {
  return parameter.trains();
}

// Bytes that a call wrote beside its inputs: a view adds none, and what grows in a buffer its new elements.
Int written_bytes(const Observation& seen) {
  Int bytes = 0;
  for (const Tensor& y : seen.outputs) {
    Int elements = y.elements();
    for (const Tensor& x : seen.inputs)
      if (x.storage() == y.storage()) elements -= x.elements();
    bytes += std::max<Int>(elements, 0) * size_of(y.dtype());
  }
  return bytes;
}

Int trainable_in(Model& model, TrainingPhase phase) {
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
    if (fresh) s.layers.push_back({path, "", {}});
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
    const Int bytes = written_bytes(seen);
    layer.activation_bytes += bytes;
    s.activation_bytes += bytes;
  });
  const Recording apart;  // no output takes its input's place, as in training
  Context context{.fuse = false};
  const Int size = model.options().image_size;
  context.on_output = [&](const std::string& path, Tensor& y) { layer_of(path).output = y.shape(); };
  model.logits(Tensor::zeros({1, size, size, 3}, DType::f32, device), context);
  for (const auto& [name, parameter] : parameters)
    layer_of(name.substr(0, name.rfind('.'))).parameters += parameter->shape.elements();
  return s;
}

}  // namespace sonograd
