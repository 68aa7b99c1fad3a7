#pragma once
#include "layers/chain.h"
#include "layers/pooling.h"

namespace sonograd {

// Heads: feature maps [n, height, width, channels] to logits [n, classes].

// What stands on the backbone of the paper's proposed model.
struct AttentionHead {
  Int heads = 8, head_size = 512, hidden = 512;
  bool attention = true;  // false: Table IV's "without attention"; both norms stay
};

Chain attention_head(Int channels, Int classes, const AttentionHead& options, Keras keras);

// What stands on the baselines' backbones: pooling over all positions, one dense layer.
Chain pooled_head(Int channels, Int classes, Pooling pooling);

}  // namespace sonograd
