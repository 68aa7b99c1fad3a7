#pragma once
#include <string>
#include <vector>

#include "models/model.h"

namespace sonograd {

// Grad-CAM (Selvaraju et al. 2017; the paper's Eq. 3-4): which positions of a feature map speak for a class.
//   weight_k = mean over positions of d score / d A_k;  map = max(0, Σ_k weight_k · A_k)
enum class CamVariant {
  paper,     // score: the class's logit
  notebook,  // score: the class's probability; its gradient g is divided by mean(g²) + 1e-5
};

struct CamOptions {
  CamVariant variant = CamVariant::paper;
  std::string layer =
      {};           // a name that `summary` prints, or Keras'; empty: the last output with height and width
  Int target = -1;  // class code; -1: the predicted class
};

struct HeatMap {
  Int height = 0, width = 0;
  std::vector<float> values;  // row-major, after the ReLU, unscaled
  std::string layer;
  Int target = 0, predicted = 0;
  std::vector<double> probabilities;

  float largest() const;  // 0 for a map that is zero everywhere: no position speaks for the class
};

// One image [1, height, width, 3]. Throws Error where no layer has the name or its output is no feature map.
HeatMap grad_cam(const Model& model, const Tensor& image, const CamOptions& options = {});

// The path of the last output with height and width, Grad-CAM's layer by default; of those with at least
// `least_height` rows, as a map of a small image may be too coarse to show anything.
std::string last_feature_map(const Model& model, const Tensor& image, Int least_height = 1);

}  // namespace sonograd
