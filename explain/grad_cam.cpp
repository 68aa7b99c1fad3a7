#include "explain/grad_cam.h"

#include <algorithm>

#include "autograd/tape.h"
#include "ops/softmax/softmax.h"

namespace sonograd {
namespace {

// Keras' name of a layer is our path with underscores.
std::string keras_name(std::string path) {
  std::replace(path.begin(), path.end(), '.', '_');
  return path;
}

// Runs the layers after the wanted one under a tape that watches its output.
struct Watched {
  Tape tape;
  Tensor features, logits;
};

void run_watching(const Model& model, const Tensor& image, const std::string& layer, Watched& watched) {
  Context context;
  context.fuse = false;
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (path != layer && keras_name(path) != layer) return;
    expect(y.rank() == 4, "--layer {}: its output {} has no height and width", layer, y.shape().text());
    watched.tape.watch(y);
    watched.features = y;
  };
  watched.logits = model.logits(image, context);
  expect(watched.features.defined(),
         "--layer {}: {} has no such layer; `sonograd summary --model {}` lists them", layer,
         model.options().name, model.options().name);
}

Tensor score_gradient(Watched& watched, Int target, CamVariant variant) {
  const Tensor scores = variant == CamVariant::paper ? watched.logits : softmax(watched.logits);
  Tensor seed = Tensor::zeros(scores.shape(), scores.dtype(), scores.device());
  seed.slice(1, target, target + 1).fill(1);
  return watched.tape.gradient(scores, {watched.features}, {.cotangent = seed})[0];
}

}  // namespace

float HeatMap::largest() const {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

std::string last_feature_map(const Model& model, const Tensor& image, Int least_height) {
  const NoGrad quiet;
  std::string last;
  Context context;
  context.fuse = false;
  context.on_output = [&](const std::string& path, Tensor& y) {
    if (y.rank() == 4 && y.size(1) >= least_height) last = path;
  };
  model.logits(image, context);
  return last;
}

HeatMap grad_cam(const Model& model, const Tensor& image, const CamOptions& options) {
  expect(image.rank() == 4 && image.size(0) == 1, "grad-cam takes one image [1, height, width, 3], got {}",
         image.shape().text());
  HeatMap map;
  map.layer = options.layer.empty() ? last_feature_map(model, image) : options.layer;
  Watched watched;
  run_watching(model, image, map.layer, watched);
  {
    const NoGrad quiet;
    map.probabilities = softmax(watched.logits).values();
  }
  map.predicted =
      std::max_element(map.probabilities.begin(), map.probabilities.end()) - map.probabilities.begin();
  map.target = options.target < 0 ? map.predicted : options.target;
  expect(map.target < static_cast<Int>(map.probabilities.size()),
         "--class {}: the model has {} classes, counted from 0", map.target, map.probabilities.size());

  const std::vector<double> a = watched.features.values();
  std::vector<double> g = score_gradient(watched, map.target, options.variant).values();
  if (options.variant == CamVariant::notebook) {
    double square = 0;
    for (const double value : g) square += value * value / static_cast<double>(g.size());
    for (double& value : g) value /= square + 1e-5;
  }
  map.height = watched.features.size(1);
  map.width = watched.features.size(2);
  const auto channels = static_cast<std::size_t>(watched.features.size(3));
  const auto positions = static_cast<std::size_t>(map.height * map.width);
  std::vector<double> weight(channels, 0.0);
  for (std::size_t i = 0; i < g.size(); ++i) weight[i % channels] += g[i] / static_cast<double>(positions);
  map.values.resize(positions);
  for (std::size_t p = 0; p < positions; ++p) {
    double sum = 0;
    for (std::size_t k = 0; k < channels; ++k) sum += weight[k] * a[p * channels + k];
    map.values[p] = static_cast<float>(std::max(sum, 0.0));
  }
  return map;
}

}  // namespace sonograd
