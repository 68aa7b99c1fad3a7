#pragma once
#include "layers/input_scaling.h"
#include "models/backbone.h"

namespace sonograd {

// One row of Tan & Le's Table 1.
struct EfficientNetStage {
  Int expand, kernel, stride, channels, repeats;
};

struct EfficientNetSize {
  double width = 1, depth = 1;
  std::vector<EfficientNetStage> stages = {};  // left out: that table
  Int stem = 32, top = 1280;                   // channels before scaling
};

EfficientNetSize efficientnet_size(int b);  // B0 … B7
Backbone efficientnet(const EfficientNetSize& size, InputForm input);

}  // namespace sonograd
