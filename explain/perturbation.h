#pragma once
#include <functional>

#include "tensor/tensor.h"

namespace sonograd {

// A class's score of each image of a batch [n, height, width, channels]: its logit, but for faithfulness()
// (explain/lesion_scores.h) its probability.
using ClassScore = std::function<std::vector<double>(const Tensor& images)>;
// The same for one image, with the gradient of its score with respect to the pixels.
using ScoreGradient = std::function<std::pair<double, Tensor>(const Tensor& image)>;

// The mean over all pixels of one image [1, height, width, channels], a value a channel.
std::vector<double> mean_colour(const Tensor& image);

// Occlusion (Zeiler & Fergus 2014): how much the score falls when a square window of the image is painted
// with the image's mean colour. [height, width]: the mean over the windows that cover a pixel. Windows start
// every `stride` pixels; those that the border cuts count with what is left of them.
std::vector<float> occlusion_map(const Tensor& image, Int window, Int stride, const ClassScore& score);

// Score-CAM (Wang et al. 2020): max(0, Σ_k softmax(s)_k · A_k), s_k the score of the image times the channel
// A_k stretched over it and scaled to 0 … 1. `features` is [1, h, w, channels]; the map [h, w]. One pass
// through the model for each channel.
std::vector<float> score_cam_map(const Tensor& image, const Tensor& features, const ClassScore& score);

struct Attributions {
  std::vector<float> map;  // [height, width], Σ over colours: its sum is the score's rise from the baseline
  double rise = 0;         // score(image) - score(baseline)
  double incompleteness = 0;  // |Σ map - rise| / |rise|; |Σ map| where the rise is 0
};

// Integrated gradients (Sundararajan et al. 2017) from a black image: x · ∫ ∂score(αx)/∂x dα. The path is cut
// where a piece's gradients, at three points, miss what the score does between its ends, until these errors
// sum up, with their signs, to `tolerance` of the whole rise and, without them, to ten times that (which
// counts until the pieces hold a quarter of `most_points`), or the pieces hold `most_points` points. Halving
// a piece takes six new points in place of its three, and both ends of the path are scored, so p points at
// the end have cost 2p - 1 passes forward and back.
Attributions integrated_gradients(const Tensor& image, const ScoreGradient& gradient, double tolerance = 5e-4,
                                  Int most_points = 2048);

}  // namespace sonograd
