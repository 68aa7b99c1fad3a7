#pragma once
#include <optional>

#include "layers/layer.h"
#include "ops/bias_activation/bias_activation.h"
#include "ops/conv2d/conv2d.h"
#include "ops/depthwise_conv2d/depthwise_conv2d.h"

namespace sonograd {

// Whose draw of a fresh kernel: EfficientNet's, or Keras' default.
enum class ConvInit { variance_scaling_fan_out, glorot_uniform };

struct ConvOptions {
  Int in = 0, out = 0, kernel = 1, stride = 1;
  bool bias = false;
  Activation activation = Activation::none;  // after the bias
  ConvInit init = ConvInit::variance_scaling_fan_out;
  Padding pad = same;
};

struct Conv {
  static constexpr auto kind = "Conv";
  Conv2d op;
  Activation activation = Activation::none;
  Parameter kernel;  // [kernel, kernel, in, out]
  std::optional<Parameter> bias = {};

  Tensor operator()(const Tensor& x, Context& context) const {
    Conv2d at = op;
    at.precision = context.precision;
    Tensor y = conv2d(x, kernel.value, at);
    return bias ? bias_activation(std::move(y), bias->value, activation) : y;
  }
  void visit(const Visit& visit) {
    visit("kernel", kernel);
    if (bias) visit("bias", *bias);
  }
};

Conv conv(const ConvOptions& options);
// Without bias, and drawn as Keras does unless told otherwise.
Conv keras_conv(Int in, Int out, Int kernel = 1, Int stride = 1, Padding pad = same);

struct DepthwiseConv {
  static constexpr auto kind = "DepthwiseConv";
  DepthwiseConv2d op;
  Parameter kernel;  // [kernel, kernel, channels, 1]

  Tensor operator()(const Tensor& x, Context&) const { return depthwise_conv2d(x, kernel.value, op); }
  void visit(const Visit& visit) { visit("depthwise_kernel", kernel); }
};

DepthwiseConv depthwise_conv(Int channels, Int kernel, Int stride);

// A depthwise convolution, then a 1 × 1 convolution across the channels (Chollet 2017); `same` padding, no
// bias and no activation between the two. What is between them is not kept for backward but made again.
struct SeparableConv {
  static constexpr auto kind = "SeparableConv";
  Parameter depthwise, pointwise;  // [kernel, kernel, in, 1], [1, 1, in, out]

  Tensor operator()(const Tensor& x, Context& context) const {
    const Tensor deep = depthwise_conv2d(x, depthwise.value, {.make_again = true});
    return conv2d(deep, pointwise.value, {.precision = context.precision});
  }
  void visit(const Visit& visit) {
    visit("depthwise_kernel", depthwise);
    visit("pointwise_kernel", pointwise);
  }
};

SeparableConv separable_conv(Int in, Int out, Int kernel);

}  // namespace sonograd
