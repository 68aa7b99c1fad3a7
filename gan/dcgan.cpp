#include "gan/dcgan.h"

#include <cmath>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dense.h"
#include "layers/dropout.h"
#include "layers/keras_names.h"
#include "layers/reshaped.h"
#include "layers/spectral_norm.h"
#include "layers/upsampled_conv.h"
#include "tensor/out_of_memory.h"

namespace sonograd {
namespace {

constexpr double norm_momentum = 0.8;
constexpr double dropout_rate = 0.25;

Conv conv3x3(Int in, Int out, Int stride, Activation activation = Activation::none) {
  return conv({.in = in,
               .out = out,
               .kernel = 3,
               .stride = stride,
               .bias = true,
               .activation = activation,
               .init = ConvInit::glorot_uniform});
}

Int smallest_map(Int image_size) {
  expect(image_size > 0 && image_size % 16 == 0, "a DCGAN's image size is a multiple of 16, got {}",
         image_size);
  return image_size / 16;
}

Int scaled(Int channels, double width) {
  expect(width > 0 && width <= 4, "a DCGAN's width lies in (0, 4], got {}", width);
  return std::max<Int>(1, std::llround(width * static_cast<double>(channels)));
}

template <class L>
Layer normalised(L layer, const DcganOptions& options) {
  if (options.spectral_norm) return SpectralNorm<L>(std::move(layer));
  return layer;
}

}  // namespace

Network generator(const DcganOptions& options) {
  const Int side = smallest_map(options.image_size), channels = scaled(128, options.width);
  Chain net;
  net.add("dense", dense(latent_size, side * side * channels, Activation::relu))
      .add("reshape", Reshaped{{side, side, channels}});
  for (Int i = 0; i < 4; ++i)
    net.add(numbered("conv2d", i), UpsampledConv{conv3x3(channels, channels, 1)})
        .add(numbered("batch_normalization", i), batch_norm(channels, norm_momentum))
        .add(numbered("activation", i), ActivationLayer{Activation::relu});
  net.add("conv2d_4", conv3x3(channels, 3, 1, Activation::sigmoid));
  return {"generator", std::move(net)};
}

Network discriminator(const DcganOptions& options) {
  const Int side = smallest_map(options.image_size);
  Int channels = scaled(32, options.width);
  Chain net;
  net.add("conv2d", normalised(conv3x3(3, channels, 2, Activation::leaky_relu), options))
      .add("dropout", DropoutLayer{dropout_rate});
  for (Int i = 1; i < 4; ++i, channels *= 2) {
    net.add(numbered("conv2d", i), normalised(conv3x3(channels, 2 * channels, 2), options));
    if (!options.spectral_norm)
      net.add(numbered("batch_normalization", i - 1), batch_norm(2 * channels, norm_momentum));
    net.add(numbered("leaky_re_lu", i), ActivationLayer{Activation::leaky_relu})
        .add(numbered("dropout", i), DropoutLayer{dropout_rate});
  }
  const Int features = side * side * channels;
  net.add("flatten", Reshaped{{features}}).add("dense", normalised(dense(features, 1), options));
  return {"discriminator", std::move(net)};
}

Tensor Network::operator()(const Tensor& x, Context& context) const {
  const LayerScope scope(name_);
  return layers(x, context);
}

std::vector<NamedParameter> Network::parameters() const {
  std::vector<NamedParameter> list;
  layers.visit([&](const std::string& path, Parameter& parameter) { list.push_back({path, &parameter}); });
  return list;
}

std::vector<NamedParameter> Network::trained() const {
  std::vector<NamedParameter> list;
  for (const NamedParameter& p : parameters())
    if (p.parameter->trains()) list.push_back(p);
  return list;
}

void Network::initialise(const Random& random, DType dtype, Device device) {
  const Random stream = random.stream(name_);
  for (const NamedParameter& p : parameters()) {
    Parameter& parameter = *p.parameter;
    parameter.value = allocating([&] { return name_ + "." + p.name; },
                                 [&] { return Tensor::empty(parameter.shape, dtype, device); });
    sonograd::initialise(parameter.value, parameter.init, stream.stream(p.name));
  }
}

}  // namespace sonograd
