#include "tests/cudnn_plans/walk.h"

#include <set>

#include "gan/adversarial_step.h"
#include "models/zoo.h"
#include "train/step.h"

namespace sonograd {
namespace {

using convolution::Direction;

std::optional<cudnn::Convolution> convolution_of(const Observation& seen) {
  const Tensors &in = seen.inputs, &out = seen.outputs;
  const auto of = [&](Direction direction, const Conv2d& conv, const Tensor& x, const Tensor& w) {
    return cudnn::Convolution{direction, conv, x.shape(), w.shape()};
  };
  if (seen.op.name == Conv2d::name)
    return of(Direction::forward, *static_cast<const Conv2d*>(seen.call.attributes()), in[0], in[1]);
  if (seen.op.name == Conv2dGradX::name)
    return of(Direction::grad_x, static_cast<const Conv2dGradX*>(seen.call.attributes())->conv, out[0],
              in[0]);
  if (seen.op.name == Conv2dGradW::name)
    return of(Direction::grad_w, static_cast<const Conv2dGradW*>(seen.call.attributes())->conv, in[0],
              out[0]);
  return {};
}

void train_once(const ZooEntry& entry) {
  Model model = make_model({.name = entry.name});
  model.initialise(Random(1, entry.name), DType::f32, Device::cpu);
  const Int size = model.options().image_size;
  gradients_of(model, {Tensor::filled({1, size, size, 3}, 100), {0}, {0}}, {.random = Random(2)});
}

void train_gan_once() {
  Gan gan{DcganOptions{}};
  gan.initialise(Random(3), DType::f32, Device::cpu);
  const Int size = gan.options.image_size;
  const Tensor noise = latent_noise(1, Random(4), DType::f32, Device::cpu);
  adversarial_step(gan, Tensor::filled({1, size, size, 3}, 0.5), {noise, noise, noise},
                   smoothed_labels(1, Random(5), DType::f32, Device::cpu), {});
}

}  // namespace

std::vector<Walked> walked_convolutions(Int batch) {
  std::vector<Walked> found;
  std::set<std::vector<Int>> keys;
  std::string model;
  const Observer observer([&](const Observation& seen) {
    std::optional<cudnn::Convolution> convolution = convolution_of(seen);
    if (!convolution || convolution->conv.is_product(convolution->w)) return;
    convolution->x[0] = batch;
    if (keys.insert(convolution->key()).second) found.push_back({model, *convolution});
  });
  for (const ZooEntry& entry : zoo())
    if (entry.paper_parameters > 0) {
      model = entry.name;
      train_once(entry);
    }
  model = "gan";
  train_gan_once();
  return found;
}

}  // namespace sonograd
