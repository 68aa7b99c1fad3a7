#pragma once
#include "models/efficientnet.h"
#include "models/model.h"

namespace sonograd {

// What stands on the backbone of the paper's proposed model.
struct AttentionHead {
  Int heads = 8, head_size = 512, hidden = 512;
  bool attention = true;  // false: Table IV's "without attention"; both norms stay
};

Chain attention_head(Int channels, Int classes, const AttentionHead& options, Keras keras);
Chain pooled_head(Int channels, Int classes, Pooling pooling);  // the baselines'

}  // namespace sonograd
