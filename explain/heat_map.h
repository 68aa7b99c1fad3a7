#pragma once
#include <filesystem>
#include <string>
#include <vector>

#include "models/model.h"

namespace sonograd {

// Which positions of an image, or of a layer's feature map, speak for a class.
struct HeatMap {
  Int height = 0, width = 0;
  std::vector<float> values;  // row-major, in the method's own scale
  std::string layer;          // of the feature map; empty where the method looks at no single layer
  Int target = 0, predicted = 0;
  double incompleteness = 0;  // of integrated gradients, see explain/perturbation.h
  std::vector<double> probabilities;

  float largest() const;  // 0 for a map without a positive value: no position speaks for the class
};

// The raw map as NumPy's .npy, float32 [height, width].
void write_npy(const std::filesystem::path& path, const HeatMap& map);

// What all methods are asked.
struct ExplainOptions {
  std::string method = "gradcam";  // one of explanation_methods()
  bool notebook = false;   // gradcam as the authors' notebook computes it, see explain/class_activation.h
  std::string layer = {};  // a name that `summary` prints, or Keras'; empty: the last output with
                           // height and width. For the methods that look at a layer
  Int target = -1;         // class code; -1: the predicted class
  bool blank = false;      // a class's score that does not depend on the layer: a map of zeros, no Error
};

}  // namespace sonograd
