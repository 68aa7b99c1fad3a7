#include <algorithm>

#include "explain/perturbation.h"

namespace sonograd {
namespace {

constexpr Int windows_at_once = 16;

struct Window {
  Int top, left, bottom, right;  // bottom and right are one beyond
};

std::vector<Window> windows_over(Int height, Int width, Int window, Int stride) {
  std::vector<Window> list;
  for (Int y = 0; y < height; y += stride)
    for (Int x = 0; x < width; x += stride)
      list.push_back({y, x, std::min(height, y + window), std::min(width, x + window)});
  return list;
}

void paint(Tensor& image, const Window& w, const std::vector<double>& colour) {
  Tensor part = image.slice(1, w.top, w.bottom).slice(2, w.left, w.right);
  for (Int c = 0; c < part.size(3); ++c) part.slice(3, c, c + 1).fill(colour[c]);
}

}  // namespace

std::vector<double> mean_colour(const Tensor& image) {
  const std::vector<double> pixels = image.values();
  const auto channels = static_cast<std::size_t>(image.size(3));
  std::vector<double> mean(channels);
  for (std::size_t i = 0; i < pixels.size(); ++i) mean[i % channels] += pixels[i];
  for (double& sum : mean) sum *= static_cast<double>(channels) / static_cast<double>(pixels.size());
  return mean;
}

std::vector<float> occlusion_map(const Tensor& image, Int window, Int stride, const ClassScore& score) {
  expect(image.rank() == 4 && image.size(0) == 1,
         "occlusion takes one image [1, height, width, channels], got {}", image.shape().text());
  expect(window >= 1 && stride >= 1 && stride <= window,
         "occlusion: a window of {} pixels every {} leaves gaps", window, stride);
  const Int height = image.size(1), width = image.size(2), channels = image.size(3);
  const std::vector<double> colour = mean_colour(image);
  const std::vector<Window> windows = windows_over(height, width, window, stride);
  const double whole = score(image)[0];
  std::vector<double> fall(static_cast<std::size_t>(height * width)), covers(fall.size());
  for (std::size_t begin = 0; begin < windows.size(); begin += windows_at_once) {
    const auto n = static_cast<Int>(std::min<std::size_t>(windows_at_once, windows.size() - begin));
    Tensor batch = Tensor::empty({n, height, width, channels}, image.dtype(), image.device());
    for (Int i = 0; i < n; ++i) {
      Tensor painted = batch.slice(0, i, i + 1);
      painted.assign(image);
      paint(painted, windows[begin + i], colour);
    }
    const std::vector<double> scores = score(batch);
    for (Int i = 0; i < n; ++i) {
      const Window& w = windows[begin + i];
      for (Int y = w.top; y < w.bottom; ++y)
        for (Int x = w.left; x < w.right; ++x) {
          fall[y * width + x] += whole - scores[i];
          covers[y * width + x] += 1;
        }
    }
  }
  std::vector<float> map(fall.size());
  for (std::size_t i = 0; i < map.size(); ++i) map[i] = static_cast<float>(fall[i] / covers[i]);
  return map;
}

}  // namespace sonograd
