#include "models/efficientnet.h"

#include <algorithm>
#include <cmath>

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/residual.h"
#include "layers/squeeze_excite.h"

// Tan & Le 2019, "EfficientNet: rethinking model scaling for convolutional neural networks", as
// keras.applications builds it.
namespace sonograd {
namespace {

// Table 1; columns: expand, kernel, stride, channels, repeats
const std::vector<EfficientNetStage> table1{
    {1, 3, 1, 16, 1},  {6, 3, 2, 24, 2},  {6, 5, 2, 40, 2},  {6, 3, 2, 80, 3},
    {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
};

constexpr double drop_connect_rate = 0.2;  // of block i of n: this times i/n, i from 0

// Multiples of 8, rounded to the nearest but never down by more than a tenth.
Int scaled_channels(Int channels, double width) {
  const double wanted = static_cast<double>(channels) * width;
  const Int rounded = std::max<Int>(8, static_cast<Int>(wanted + 4) / 8 * 8);
  return static_cast<double>(rounded) < 0.9 * wanted ? rounded + 8 : rounded;
}

Int scaled_repeats(Int repeats, double depth) {
  return static_cast<Int>(std::ceil(depth * static_cast<double>(repeats)));
}

// Mobile inverted bottleneck: widen, filter each channel, weigh the channels, narrow.
Layer mbconv(Int in, Int out, const EfficientNetStage& stage, Int stride, double drop_rate) {
  const Int mid = in * stage.expand;
  const ActivationLayer swish{Activation::swish};
  Chain block;
  if (stage.expand > 1)
    block.add("expand_conv", conv({.in = in, .out = mid}))
        .add("expand_bn", batch_norm(mid))
        .add("expand_activation", swish);
  block.add("dwconv", depthwise_conv(mid, stage.kernel, stride))
      .add("bn", batch_norm(mid))
      .add("activation", swish)
      .add("", squeeze_excite(mid, std::max<Int>(1, in / 4)))
      .add("project_conv", conv({.in = mid, .out = out}))
      .add("project_bn", batch_norm(out));
  if (stride == 1 && in == out) return Residual{std::move(block), drop_rate};
  return block;
}

}  // namespace

EfficientNetSize efficientnet_size(int b) {
  // width and depth of B0 … B7
  constexpr double scales[][2] = {{1.0, 1.0}, {1.0, 1.1}, {1.1, 1.2}, {1.2, 1.4},
                                  {1.4, 1.8}, {1.6, 2.2}, {1.8, 2.6}, {2.0, 3.1}};
  expect(0 <= b && b <= 7, "there is no EfficientNetB{}; choose B0 to B7", b);
  return {.width = scales[b][0], .depth = scales[b][1]};
}

Backbone efficientnet(const EfficientNetSize& size, InputForm input) {
  const ActivationLayer swish{Activation::swish};
  const auto& stages = size.stages.empty() ? table1 : size.stages;
  Int blocks = 0, index = 0;
  for (const EfficientNetStage& stage : stages) blocks += scaled_repeats(stage.repeats, size.depth);

  Int in = scaled_channels(size.stem, size.width);
  Chain net;
  net.add("", input_scaling(input))
      .add("stem_conv", conv({.in = 3, .out = in, .kernel = 3, .stride = 2}))
      .add("stem_bn", batch_norm(in))
      .add("stem_activation", swish);
  for (std::size_t s = 0; s < stages.size(); ++s) {
    const Int out = scaled_channels(stages[s].channels, size.width);
    for (Int repeat = 0; repeat < scaled_repeats(stages[s].repeats, size.depth); ++repeat, ++index) {
      const double drop_rate = drop_connect_rate * static_cast<double>(index) / static_cast<double>(blocks);
      const std::string name = fmt::format("block{}{}", s + 1, static_cast<char>('a' + repeat));
      net.add(name, mbconv(in, out, stages[s], repeat == 0 ? stages[s].stride : 1, drop_rate));
      in = out;
    }
  }
  const Int top = scaled_channels(size.top, size.width);
  net.add("top_conv", conv({.in = in, .out = top}))
      .add("top_bn", batch_norm(top))
      .add("top_activation", swish);
  return {std::move(net), top};
}

}  // namespace sonograd
