#include "models/xception.h"

#include "layers/activation.h"
#include "layers/batch_norm.h"
#include "layers/conv.h"
#include "layers/keras_names.h"
#include "layers/pooling.h"
#include "layers/residual.h"

// Chollet 2017, "Xception: deep learning with depthwise separable convolutions", figure 5, as
// keras.applications builds it.
namespace sonograd {
namespace {

const ActivationLayer act{Activation::relu};

void add_separable(Chain& chain, const std::string& name, Int in, Int out) {
  chain.add(name, separable_conv(in, out, 3)).add(name + "_bn", batch_norm(out));
}

// Blocks 2 to 4 and 13: two separable convolutions, halved in height and width, beside a strided convolution.
// `number` counts these: Keras gave their shortcuts no names.
Residual reducing_block(Int block, Int number, Int in, Int middle, Int out, bool relu_first) {
  const std::string name = fmt::format("block{}.", block);
  Chain main, shortcut;
  if (relu_first) main.add(name + "sepconv1_act", act);
  add_separable(main, name + "sepconv1", in, middle);
  main.add(name + "sepconv2_act", act);
  add_separable(main, name + "sepconv2", middle, out);
  main.add(name + "pool", WindowPooling{Pooling::max, {.size = {3, 3}, .stride = {2, 2}, .pad = same}});
  shortcut.add(numbered("conv2d", number), keras_conv(in, out, 1, 2))
      .add(numbered("batch_normalization", number), batch_norm(out));
  return {std::move(main), 0, std::move(shortcut), numbered("add", block - 2)};
}

// Blocks 5 to 12
Residual middle_block(Int block) {
  constexpr Int channels = 728;
  Chain main;
  for (int i = 1; i <= 3; ++i) {
    const std::string name = fmt::format("block{}.sepconv{}", block, i);
    main.add(name + "_act", act);
    add_separable(main, name, channels, channels);
  }
  return {std::move(main), 0, {}, numbered("add", block - 2)};
}

}  // namespace

Backbone xception() {
  Chain net;
  net.add("block1.conv1", keras_conv(3, 32, 3, 2, valid))
      .add("block1.conv1_bn", batch_norm(32))
      .add("block1.conv1_act", act)
      .add("block1.conv2", keras_conv(32, 64, 3, 1, valid))
      .add("block1.conv2_bn", batch_norm(64))
      .add("block1.conv2_act", act)
      .add("", reducing_block(2, 0, 64, 128, 128, false))
      .add("", reducing_block(3, 1, 128, 256, 256, true))
      .add("", reducing_block(4, 2, 256, 728, 728, true));
  for (Int block = 5; block <= 12; ++block) net.add("", middle_block(block));
  net.add("", reducing_block(13, 3, 728, 728, 1024, true));
  add_separable(net, "block14.sepconv1", 1024, 1536);
  net.add("block14.sepconv1_act", act);
  add_separable(net, "block14.sepconv2", 1536, 2048);
  net.add("block14.sepconv2_act", act);
  return {std::move(net), 2048};
}

}  // namespace sonograd
