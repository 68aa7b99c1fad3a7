#pragma once
#include "layers/chain.h"
#include "layers/pooling.h"

namespace sonograd {

// Heads: feature maps [n, height, width, channels] to logits [n, classes].

struct PaperHeadOptions {
  bool attention = true;  // false: Table IV's "without attention"; both norms stay
  Int heads = 8, head_size = 512;
  Int hidden = 512;  // width of the dense layer between pooling and logits
};

// What stands on the backbone of the paper's proposed model: norm, self-attention over the positions, norm,
// pooling, two dense layers.
Chain paper_head(Int channels, Int classes, const PaperHeadOptions& options, Keras keras);

// What stands on the baselines' backbones: pooling over all positions, one dense layer.
Chain pooled_head(Int channels, Int classes, Pooling pooling);

}  // namespace sonograd
