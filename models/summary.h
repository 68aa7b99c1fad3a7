#pragma once
#include "models/model.h"

namespace sonograd {

struct LayerSummary {
  std::string name, op;  // path, and the op that makes the output
  Shape output;          // of one image, batch axis included
  Int parameters = 0, macs = 0;
  Int activation_bytes = 0;  // of one image's values that its ops write, f32, no two layers fused
};

struct ModelSummary {
  std::vector<LayerSummary> layers;
  Int parameters = 0, trainable = 0, trainable_transfer = 0, trainable_finetune = 0;
  Int macs = 0;              // multiply-adds of one image, as the ops count them
  Int activation_bytes = 0;  // of all layers: what one image takes where every value is kept
};

// Runs one image of zeros through the model (values are made where it has none) and writes down what the
// layers give.
ModelSummary summarise(Model model, Device device);

}  // namespace sonograd
