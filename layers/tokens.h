#pragma once
#include "layers/layer.h"
#include "ops/binary/binary.h"
#include "ops/pad/pad.h"
#include "ops/reshape/reshape.h"

namespace sonograd {

// What turns a picture into a Vision Transformer's sequence and back (Dosovitskiy et al. 2021, eq. 1 and 4).

// [batch, height, width, channels] -> [batch, height · width, channels], row by row
struct Tokens {
  static constexpr auto kind = "Tokens";
  Tensor operator()(const Tensor& x, Context&) const {
    return reshape(x, {x.size(0), x.size(1) * x.size(2), x.size(3)});
  }
};

// [batch, tokens, channels] -> [batch, 1 + tokens, channels], a learned token first
struct ClassToken {
  static constexpr auto kind = "ClassToken";
  Parameter cls;  // [1, 1, channels]

  Tensor operator()(const Tensor& x, Context&) const {
    return add(pad(x, {0, 1, 0}, {0, 0, 0}), pad(cls.value, {0, 0, 0}, {0, x.size(1), 0}));
  }
  void visit(const Visit& visit) { visit("cls", cls); }
};

// y = x + a learned vector for each token; `tokens` counts the class token too
struct PositionEmbedding {
  static constexpr auto kind = "PositionEmbedding";
  Parameter positions;  // [1, tokens, channels]

  Tensor operator()(const Tensor& x, Context&) const { return add(x, positions.value); }
  void visit(const Visit& visit) { visit("pos_embedding", positions); }
};

// [batch, tokens, channels] -> [batch, channels], the first token's
struct ExtractToken {
  static constexpr auto kind = "ExtractToken";
  Tensor operator()(const Tensor& x, Context&) const {
    return reshape(slice(x, 1, 0, 1), {x.size(0), x.size(2)});
  }
};

inline ClassToken class_token(Int channels) {
  return {{{1, 1, channels}, Init::zeros()}};
}
inline PositionEmbedding position_embedding(Int tokens, Int channels, double deviation) {
  return {{{1, tokens, channels}, {Init::Kind::normal, deviation}}};
}

}  // namespace sonograd
