#include "models/gradients.h"

#include "layers/samples.h"
#include "models/zoo.h"

namespace sonograd {

GradcheckResult check_model(const std::string& name, bool f32) {
  ModelOptions options{.name = name};
  for (const ZooEntry& entry : zoo())
    if (entry.name == name) options.image_size = entry.smallest_image;
  Model model = make_model(options);
  const DType dtype = f32 ? DType::f32 : DType::f64;
  model.initialise(Random(3, name), dtype, Device::reference);

  Tensor images = Tensor::empty({3, options.image_size, options.image_size, 3}, dtype, Device::reference);
  initialise(images, {Init::Kind::uniform, 255}, Random(4, name));
  std::vector<std::pair<std::string, Parameter*>> parameters;
  for (const NamedParameter& p : model.parameters()) parameters.emplace_back(p.name, p.parameter);
  Differentiable d =
      differentiable(std::move(parameters), images, true,
                     [&](const Tensor& x, Context& context) { return model.logits(x, context); });
  d.options.directions = 2;
  return gradcheck(d.function, d.inputs, d.options);
}

}  // namespace sonograd
