#pragma once
#include "models/model.h"

namespace sonograd {

// One of the two networks of a DCGAN (Radford, Metz & Chintala 2016, "Unsupervised representation learning
// with deep convolutional generative adversarial networks"), as the paper's notebook builds it.
class Network {
 public:
  Network(std::string name, Chain chain) : name_(std::move(name)), layers(std::move(chain)) {}

  Tensor operator()(const Tensor& x, Context& context) const;
  const std::string& name() const { return name_; }
  std::vector<NamedParameter> parameters() const;  // in Keras' order, under Keras' names of layers
  std::vector<NamedParameter> trained() const;     // of these, the ones that an optimizer changes
  void initialise(const Random& random, DType dtype, Device device);

 private:
  std::string name_;
  Layer layers;
};

constexpr Int latent_size = 100;

struct DcganOptions {
  Int image_size = 224;
  double width = 1;            // times the notebook's numbers of channels: less for tests and smoke runs
  bool spectral_norm = false;  // the discriminator's weights over their norms, in place of its batch norms
};

// Noise [n, latent_size] to pixels 0 … 1 [n, image_size, image_size, 3]. Four times nearest upsampling and a
// 3 x 3 convolution of 128 channels, from a map of image_size / 16. Throws Error unless image_size is a
// positive multiple of 16 and the width in (0, 4].
Network generator(const DcganOptions& options);

// Pixels 0 … 1 [n, image_size, image_size, 3] to logits [n, 1], positive for pictures held to be real. Four
// 3 x 3 convolutions of stride 2 with 32 … 256 channels, the first without batch norm. Throws likewise.
Network discriminator(const DcganOptions& options);

}  // namespace sonograd
