#include "models/densenet.h"

#include <array>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/dense_block.h"
#include "layers/pooling.h"

// Huang, Liu, van der Maaten & Weinberger 2017, "Densely connected convolutional networks", as
// keras.applications builds it: DenseNet-BC, growth 32, compression by half.
namespace sonograd {
namespace {

constexpr Int growth = 32;
constexpr Int bottleneck = 4 * growth;

// Table 1: layers of the four dense blocks
std::array<Int, 4> table1(int depth) {
  switch (depth) {
    case 121:
      return {6, 12, 24, 16};
    case 169:
      return {6, 12, 32, 32};
    case 201:
      return {6, 12, 48, 32};
    default:
      throw Error("there is no DenseNet{}; choose 121, 169 or 201", depth);
  }
}

BatchNorm norm(Int channels) {
  return batch_norm(channels, 0.99, 1.001e-5);
}

constexpr Padding around(Int cells) {
  return {cells, cells, cells, cells};
}

const ActivationLayer act{Activation::relu};

Chain dense_layer(Int in) {
  Chain layer;
  layer.add("0_bn", norm(in))
      .add("0_relu", act)
      .add("1_conv", keras_conv(in, bottleneck))
      .add("1_bn", norm(bottleneck))
      .add("1_relu", act)
      .add("2_conv", keras_conv(bottleneck, growth, 3));
  return layer;
}

}  // namespace

Backbone densenet(int depth) {
  Int channels = 64;
  Chain net;
  net.add("conv1_conv", keras_conv(3, channels, 7, 2, around(3)))
      .add("conv1_bn", norm(channels))
      .add("conv1_relu", act)
      // Keras pads zeros here and this leaves the border out: the same, as no value after a relu is below 0.
      .add("pool1", WindowPooling{Pooling::max, {.size = {3, 3}, .stride = {2, 2}, .pad = around(1)}});
  Int stage = 2;
  for (const Int layers : table1(depth)) {
    DenseBlock block{};
    for (Int l = 1; l <= layers; ++l, channels += growth)
      block.children.push_back({fmt::format("conv{}_block{}", stage, l), dense_layer(channels)});
    block.channels = channels;
    net.add("", std::move(block));
    if (stage == 5) break;
    const std::string pool = fmt::format("pool{}", stage++);
    net.add(pool + "_bn", norm(channels))
        .add(pool + "_relu", act)
        .add(pool + "_conv", keras_conv(channels, channels / 2))
        .add(pool + "_pool", WindowPooling{});
    channels /= 2;
  }
  net.add("bn", norm(channels)).add("relu", act);
  return {std::move(net), channels};
}

}  // namespace sonograd
