#pragma once
#include <vector>

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

// B0 … B7; throws Error for another.
EfficientNetSize efficientnet_size(int b);

// Images [n, height, width, 3] to features [n, height/32, width/32, channels] where the stages are the
// paper's; sizes are rounded up, channels is `top` scaled.
Backbone efficientnet(const EfficientNetSize& size, InputForm input);

}  // namespace sonograd
