#include "data/duplicates.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "data/resize.h"

namespace sonograd {
namespace {

constexpr Int side = 32, cells = side * side;

// The picture's grey levels at side x side with mean 0 and length 1, so that a product of two is their
// correlation.
std::vector<float> thumbnail(const ImageSet& images, Int index) {
  Image image(images.height, images.width);
  const auto pixels = images.image(index);
  std::copy(pixels.begin(), pixels.end(), image.pixels.begin());
  const Image small = resize_area(image, side, side);
  std::vector<float> grey(static_cast<std::size_t>(cells));
  for (std::size_t i = 0; i < grey.size(); ++i)
    grey[i] = static_cast<float>(small.pixels[3 * i] + small.pixels[3 * i + 1] + small.pixels[3 * i + 2]);
  const float mean = std::accumulate(grey.begin(), grey.end(), 0.0f) / static_cast<float>(cells);
  for (float& value : grey) value -= mean;
  const float length = std::sqrt(std::inner_product(grey.begin(), grey.end(), grey.begin(), 0.0f));
  for (float& value : grey) value /= std::max(length, 1e-6f);
  return grey;
}

Int root_of(std::vector<Int>& groups, Int i) {
  while (groups[static_cast<std::size_t>(i)] != i) i = groups[static_cast<std::size_t>(i)];
  return i;
}

}  // namespace

Duplicates find_duplicates(const Dataset& data, const ImageSet& images) {
  Duplicates found;
  found.groups.resize(static_cast<std::size_t>(data.size()));
  std::iota(found.groups.begin(), found.groups.end(), 0);
  std::vector<std::vector<float>> thumbnails;
  for (Int i = 0; i < data.size(); ++i) thumbnails.push_back(thumbnail(images, i));

  for (Int i = 0; i < data.size(); ++i)
    for (Int j = i + 1; j < data.size(); ++j) {
      const auto a = static_cast<std::size_t>(i), b = static_cast<std::size_t>(j);
      const bool same =
          data.samples[a].sha256 == data.samples[b].sha256 || images.content[a] == images.content[b];
      const double correlation =
          same ? 1.0
               : std::inner_product(thumbnails[a].begin(), thumbnails[a].end(), thumbnails[b].begin(), 0.0f);
      if (!same && correlation < near_correlation) continue;
      (same ? found.exact : found.near).push_back({i, j, correlation});
      if (data.samples[a].label != data.samples[b].label) found.conflicts.push_back({i, j, correlation});
      const Int first = root_of(found.groups, i), second = root_of(found.groups, j);
      found.groups[static_cast<std::size_t>(std::max(first, second))] = std::min(first, second);
    }
  for (Int i = 0; i < data.size(); ++i) found.groups[static_cast<std::size_t>(i)] = root_of(found.groups, i);
  return found;
}

}  // namespace sonograd
