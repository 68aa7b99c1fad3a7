#pragma once
#include "explain/heat_map.h"

namespace sonograd {

// What an answer of the model rests on, by any of these methods:
//   gradcam, gradcam++, hirescam, layercam   a layer's output and the gradient of the class's logit there
//   scorecam                                 the same output, weighed by the scores of masked images
//   rollout                                  all attention layers; the same map for every class
//   integrated-gradients, occlusion          pixels
// `image` is one image [1, height, width, 3], 0 … 255. Throws Error where no layer has the name, its output
// is no feature map, the class's logit does not depend on it at all (unless options.blank), or there is no
// attention to roll out, or the gpu's memory is short; UsageError for options that the method does not have.
HeatMap explain(const Model& model, const Tensor& image, const ExplainOptions& options = {});

const std::vector<std::string>& explanation_methods();

// Rows that a map needs to show a place; the paper's have as many, at 224 pixels.
constexpr Int least_map_height = 7;

// The path of the default layer: the last output with height and width, of those with at least `least_height`
// rows, as a map of a small image may be too coarse to show anything; or the model's own choice where its
// layers give sequences of tokens.
std::string last_feature_map(const Model& model, const Tensor& image, Int least_height = 1);

}  // namespace sonograd
