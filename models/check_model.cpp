#include "models/check_model.h"

#include <algorithm>

#include "layers/attention.h"
#include "layers/samples.h"
#include "models/zoo.h"

namespace sonograd {

static bool attends(const Layer& head) {
  const auto* const chain = head.get_if<Chain>();
  return chain && std::any_of(chain->layers().begin(), chain->layers().end(), [](const Chain::Child& child) {
           return child.layer.get_if<MultiHeadAttention>() != nullptr;
         });
}

GradcheckResult check_model(const std::string& name, bool f32) {
  ModelOptions options{.name = name, .image_size = zoo_entry(name).smallest_image};
  Model model = make_model(options);
  if (attends(model.head())) {  // to several positions, or it has no choice
    ++options.image_size;
    model = make_model(options);
  }
  const DType dtype = f32 ? DType::f32 : DType::f64;
  model.initialise(Random(3, name), dtype, Device::reference);

  Tensor images = Tensor::empty({3, options.image_size, options.image_size, 3}, dtype, Device::reference);
  initialise(images, {Init::Kind::uniform, 255}, Random(4, name));
  Int elements = 0;
  std::vector<std::pair<std::string, Parameter*>> parameters;
  for (const NamedParameter& p : model.parameters()) {
    parameters.emplace_back(p.name, p.parameter);
    elements += p.parameter->shape.elements();
  }
  // The statistics of three images make a deep model so steep that differences do not settle; large models
  // are checked with norms in inference mode, as the paper's fine-tuning runs them.
  const bool large = elements > 5'000'000;
  if (large) freeze_for(model, TrainingPhase::finetune);
  Differentiable d =
      differentiable(std::move(parameters), images, true,
                     [&](const Tensor& x, Context& context) { return model.logits(x, context); });
  d.options.directions = large ? 1 : 3;
  d.options.views = false;  // the ops and layers are checked on them
  return gradcheck(d.function, d.inputs, d.options);
}

}  // namespace sonograd
