#include <algorithm>

#include "data/resize.h"
#include "explain/perturbation.h"
#include "ops/softmax/softmax.h"

namespace sonograd {
namespace {

constexpr Int channels_at_once = 16;

// Scaled to 0 … 1; false for a plane of one value, which says nothing about where.
bool scale_to_unit(std::vector<float>& plane) {
  const auto [least, most] = std::minmax_element(plane.begin(), plane.end());
  const float low = *least, range = *most - *least;
  if (range <= 0) return false;
  for (float& value : plane) value = (value - low) / range;
  return true;
}

}  // namespace

std::vector<float> score_cam_map(const Tensor& image, const Tensor& features, const ClassScore& score) {
  const Int height = image.size(1), width = image.size(2), colours = image.size(3);
  const Int h = features.size(1), w = features.size(2), channels = features.size(3);
  const std::vector<double> pixels = image.values(), a = features.values();

  std::vector<Int> told;  // the channels that vary over the image
  std::vector<double> scores;
  std::vector<double> masked;  // images waiting for the model
  const auto run = [&] {
    const auto n = static_cast<Int>(masked.size()) / (height * width * colours);
    if (n == 0) return;
    const Tensor batch = Tensor::of({n, height, width, colours}, masked, image.dtype(), image.device());
    const std::vector<double> some = score(batch);
    scores.insert(scores.end(), some.begin(), some.end());
    masked.clear();
  };
  for (Int k = 0; k < channels; ++k) {
    std::vector<float> plane(static_cast<std::size_t>(h * w));
    for (Int i = 0; i < h * w; ++i) plane[i] = static_cast<float>(a[i * channels + k]);
    plane = resize_bilinear(plane, h, w, height, width);
    if (!scale_to_unit(plane)) continue;
    told.push_back(k);
    for (std::size_t i = 0; i < pixels.size(); ++i) masked.push_back(pixels[i] * plane[i / colours]);
    if (static_cast<Int>(told.size()) % channels_at_once == 0) run();
  }
  run();

  std::vector<float> map(static_cast<std::size_t>(h * w));
  if (told.empty()) return map;
  const std::vector<double> weight =
      softmax(Tensor::of({static_cast<Int>(scores.size())}, scores, DType::f64, Device::reference)).values();
  for (Int i = 0; i < h * w; ++i) {
    double sum = 0;
    for (std::size_t j = 0; j < told.size(); ++j) sum += weight[j] * a[i * channels + told[j]];
    map[i] = static_cast<float>(std::max(sum, 0.0));
  }
  return map;
}

}  // namespace sonograd
