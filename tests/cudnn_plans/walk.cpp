#include "tests/cudnn_plans/walk.h"

#include <cstdlib>
#include <set>

#include "gan/adversarial_step.h"
#include "models/zoo.h"
#include "ops/attention/attention.h"
#include "train/step.h"

namespace sonograd {
namespace {

using convolution::Direction;

constexpr Int batch = 32;

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

std::optional<cudnn::FusedAttention> attention_of(const Observation& seen) {
  const bool backward = seen.op.name == AttentionGrad::name;
  if (!backward && seen.op.name != Attention::name) return {};
  const Shape q = seen.inputs[0].shape(), k = seen.inputs[1].shape();
  const Int heads = backward ? static_cast<const AttentionGrad*>(seen.call.attributes())->heads
                             : static_cast<const Attention*>(seen.call.attributes())->heads;
  return cudnn::FusedAttention{backward, batch, heads, q[1], k[1], q[2] / heads};
}

void train_once(const ZooEntry& entry) {
  Model model = make_model({.name = entry.name});
  model.initialise(Random(1, entry.name), DType::f32, Device::cpu);
  const Int size = model.options().image_size;
  gradients_of(model, {Tensor::filled({1, size, size, 3}, 100), {0}, {0}}, {.random = Random(2)});
}

void train_gan_once(Int size) {
  Gan gan{DcganOptions{.image_size = size}};
  gan.initialise(Random(3), DType::f32, Device::cpu);
  const Tensor noise = latent_noise(1, Random(4), DType::f32, Device::cpu);
  adversarial_step(gan, Tensor::filled({1, size, size, 3}, 0.5), {noise, noise, noise},
                   smoothed_labels(1, Random(5), DType::f32, Device::cpu), {});
}

bool is_walked(const ZooEntry& entry) {
  static const std::set<std::string> small{"aeganb0", "densenet121", "mini"};
  return asks_for_all() || entry.paper_parameters > 0 || small.count(entry.name) > 0;
}

}  // namespace

static Walk walked() {
  Walk found;
  std::set<std::vector<Int>> keys;
  std::string model;
  const Observer observer([&](const Observation& seen) {
    if (const auto attention = attention_of(seen); attention && keys.insert(attention->key()).second)
      found.attention.push_back(*attention);
    std::optional<cudnn::Convolution> convolution = convolution_of(seen);
    if (!convolution || convolution->conv.is_product(convolution->w)) return;
    convolution->x[0] = batch;
    if (keys.insert(convolution->key()).second) found.convolutions.push_back({model, *convolution});
  });
  for (const ZooEntry& entry : zoo())
    if (is_walked(entry)) {
      model = entry.name;
      train_once(entry);
    }
  for (const Int size : {224, 64}) {
    model = fmt::format("gan of {} pixels", size);
    train_gan_once(size);
  }
  return found;
}

const Walk& walk() {
  static const Walk the_walk = walked();
  return the_walk;
}

bool writes_table() {
  return std::getenv("SONOGRAD_WRITE_PLANS") != nullptr;
}
bool asks_for_all() {
  return writes_table() || std::getenv("SONOGRAD_FULL") != nullptr;
}

}  // namespace sonograd
