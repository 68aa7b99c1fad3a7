#include "models/heads.h"

#include "layers/attention.h"
#include "layers/batch_norm.h"
#include "layers/dense.h"

// Huong Hoang Luong et al. 2024, the AEGANB3 paper: "Proposed" in its tables. The authors' notebook decides
// where the text is silent: self-attention over the 7 × 7 positions of the feature map, without residual
// connection, layer norm or positions.
namespace sonograd {

Chain paper_head(Int channels, Int classes, const PaperHeadOptions& options, Keras keras) {
  Chain head;
  head.add("batch_normalization", batch_norm(channels));
  if (options.attention)
    head.add("multi_head_attention", multi_head_attention(channels, options.heads, options.head_size, keras));
  head.add("batch_normalization_1", batch_norm(channels))
      .add("global_average_pooling2d", GlobalPooling{})
      .add("dense", dense(channels, options.hidden, Activation::relu))
      .add("dense_1", dense(options.hidden, classes));
  return head;
}

Chain pooled_head(Int channels, Int classes, Pooling pooling) {
  Chain head;
  head.add(pooling == Pooling::average ? "global_average_pooling2d" : "global_max_pooling2d",
           GlobalPooling{pooling})
      .add("dense", dense(channels, classes));
  return head;
}

}  // namespace sonograd
