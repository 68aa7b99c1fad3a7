#include "models/vit.h"

#include "layers/conv.h"
#include "layers/tokens.h"
#include "layers/transformer.h"

// Dosovitskiy et al. 2021, "An image is worth 16x16 words: transformers for image recognition at scale", as
// vit-keras builds it for the weights imagenet21k+imagenet2012: no dropout after the position embedding, no
// layer between the class token and the head.
namespace sonograd {
namespace {

constexpr double dropout_rate = 0.1;

std::string block_name(Int i) {
  return fmt::format("Transformer.encoderblock_{}", i);
}

}  // namespace

TokenGrid vit_grid(const VitSize& size, Int image_size) {
  if (image_size % size.patch != 0)
    throw UsageError("image size {} is not a multiple of the patches' {}", image_size, size.patch);
  const Int side = image_size / size.patch;
  return {side, side, block_name(size.layers - 1) + ".LayerNorm_0"};
}

Backbone vit(const VitSize& size, Int image_size, Keras keras) {
  const TokenGrid grid = vit_grid(size, image_size);
  Chain net;
  net.add("embedding", conv({.in = 3,
                             .out = size.hidden,
                             .kernel = size.patch,
                             .stride = size.patch,
                             .bias = true,
                             .init = ConvInit::glorot_uniform,
                             .pad = valid}))
      .add("reshape", Tokens{})
      .add("class_token", class_token(size.hidden))
      .add("Transformer.posembed_input",
           position_embedding(grid.height * grid.width + 1, size.hidden, keras == Keras::v2 ? 0.06 : 0.05));
  for (Int i = 0; i < size.layers; ++i)
    net.add(block_name(i),
            transformer_block(size.hidden, size.heads, size.mlp, dropout_rate, i + 1 == size.layers));
  net.add("Transformer.encoder_norm", layer_normalization(size.hidden)).add("ExtractToken", ExtractToken{});
  return {std::move(net), size.hidden};
}

}  // namespace sonograd
