#include "explain/lesion_scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/error.h"

namespace sonograd {
namespace {

constexpr Int images_at_once = 16;

// Positions by falling value, equal ones in their order.
std::vector<std::size_t> ranked(const std::vector<float>& map) {
  std::vector<std::size_t> order(map.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return map[a] > map[b]; });
  return order;
}

double area(const std::vector<double>& curve) {
  double sum = 0;
  for (std::size_t i = 1; i < curve.size(); ++i) sum += (curve[i - 1] + curve[i]) / 2;
  return sum / static_cast<double>(curve.size() - 1);
}

// The scores with the first 0/steps, 1/steps, … 1 of the pixels of `order` taken from `source`, on `canvas`.
std::vector<double> curve_of(const Tensor& like, std::vector<float> canvas, const std::vector<float>& source,
                             const std::vector<std::size_t>& order, Int steps, const ClassScore& score) {
  const std::size_t channels = canvas.size() / order.size();
  std::vector<double> curve;
  std::size_t done = 0;
  for (Int begin = 0; begin <= steps; begin += images_at_once) {
    const Int n = std::min(images_at_once, steps + 1 - begin);
    std::vector<float> batch;
    for (Int i = 0; i < n; ++i) {
      const std::size_t upto =
          order.size() * static_cast<std::size_t>(begin + i) / static_cast<std::size_t>(steps);
      for (; done < upto; ++done)
        std::copy_n(source.begin() + static_cast<std::ptrdiff_t>(order[done] * channels), channels,
                    canvas.begin() + static_cast<std::ptrdiff_t>(order[done] * channels));
      batch.insert(batch.end(), canvas.begin(), canvas.end());
    }
    Tensor images = Tensor::empty({n, like.size(1), like.size(2), like.size(3)}, DType::f32, Device::cpu);
    std::copy(batch.begin(), batch.end(), images.mutable_data<float>());
    const std::vector<double> scores = score(images.to(like.dtype()).to(like.device()));
    curve.insert(curve.end(), scores.begin(), scores.end());
  }
  return curve;
}

}  // namespace

double Lesion::share() const {
  return static_cast<double>(std::count(inside.begin(), inside.end(), true)) /
         static_cast<double>(inside.size());
}

LesionScores score_lesion(const std::vector<float>& map, const Lesion& lesion) {
  expect(map.size() == lesion.inside.size(), "the map has {} values, the lesion's mask {}", map.size(),
         lesion.inside.size());
  const auto size = std::count(lesion.inside.begin(), lesion.inside.end(), true);
  expect(size > 0, "the mask is empty, so there is no lesion to score");
  const std::vector<std::size_t> order = ranked(map);
  LesionScores scores;
  if (!(map[order[0]] > 0)) return scores;
  scores.hit = lesion.inside[order[0]];
  double all = 0, inside = 0;
  std::ptrdiff_t chosen = 0, common = 0;
  for (std::size_t rank = 0; rank < order.size() && map[order[rank]] > 0; ++rank) {
    const bool in = lesion.inside[order[rank]];
    all += map[order[rank]];
    inside += in ? map[order[rank]] : 0;
    if (static_cast<std::ptrdiff_t>(rank) >= size) continue;
    ++chosen;
    common += in;
  }
  scores.energy = inside / all;
  scores.iou = static_cast<double>(common) / static_cast<double>(size + chosen - common);
  return scores;
}

Faithfulness faithfulness(const Tensor& image, const std::vector<float>& map, Int steps,
                          const ClassScore& score) {
  expect(
      image.rank() == 4 && image.size(0) == 1 &&
          static_cast<Int>(map.size()) == image.size(1) * image.size(2) && steps >= 1,
      "insertion and deletion take one image [1, height, width, channels] and a map of its size, got {} and "
      "{} values",
      image.shape().text(), map.size());
  const std::vector<double> values = image.values();
  const std::vector<float> pixels(values.begin(), values.end());
  const std::vector<double> mean = mean_colour(image);
  std::vector<float> blank;
  for (std::size_t i = 0; i < map.size(); ++i) blank.insert(blank.end(), mean.begin(), mean.end());
  const std::vector<std::size_t> order = ranked(map);
  return {area(curve_of(image, blank, pixels, order, steps, score)),
          area(curve_of(image, pixels, blank, order, steps, score))};
}

std::vector<float> centre_prior(Int height, Int width) {
  std::vector<float> map;
  const auto away = [](Int i, Int n) {  // in standard deviations
    return (static_cast<double>(i) + 0.5 - static_cast<double>(n) / 2) / (static_cast<double>(n) / 4);
  };
  for (Int y = 0; y < height; ++y)
    for (Int x = 0; x < width; ++x)
      map.push_back(static_cast<float>(
          std::exp(-0.5 * (away(y, height) * away(y, height) + away(x, width) * away(x, width)))));
  return map;
}

}  // namespace sonograd
