#include "layers/conv.h"

namespace sonograd {

Conv conv(const ConvOptions& o) {
  const Int taps = o.kernel * o.kernel;
  const Init init = o.init == ConvInit::glorot_uniform ? Init::glorot_uniform(taps * o.in, taps * o.out)
                                                       : Init::variance_scaling(2.0, taps * o.out);
  Conv layer{.op = {.stride = {o.stride, o.stride}, .pad = o.pad},
             .activation = o.activation,
             .kernel = {{o.kernel, o.kernel, o.in, o.out}, init}};
  if (o.bias) layer.bias = Parameter{{o.out}, Init::zeros()};
  return layer;
}

Conv keras_conv(Int in, Int out, Int kernel, Int stride, Padding pad) {
  return conv({.in = in,
               .out = out,
               .kernel = kernel,
               .stride = stride,
               .init = ConvInit::glorot_uniform,
               .pad = pad});
}

DepthwiseConv depthwise_conv(Int channels, Int kernel, Int stride) {
  return {.op = {.stride = {stride, stride}},
          .kernel = {{kernel, kernel, channels, 1}, Init::variance_scaling(2.0, kernel * kernel)}};
}

SeparableConv separable_conv(Int in, Int out, Int kernel) {
  const Int taps = kernel * kernel;
  return {.depthwise = {{kernel, kernel, in, 1}, Init::glorot_uniform(taps * in, taps)},
          .pointwise = {{1, 1, in, out}, Init::glorot_uniform(in, out)}};
}

}  // namespace sonograd
