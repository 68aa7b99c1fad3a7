#include "explain/overlay.h"

#include <algorithm>
#include <cmath>

#include "data/resize.h"
#include "explain/colour_map.h"

namespace sonograd {
namespace {

// Light for the largest value, at the top; a thin rule parts it from the image.
void add_colour_bar(Image& image, bool exchange) {
  const Int width = std::max<Int>(4, image.width / 24), gap = std::max<Int>(1, width / 4);
  Image wide(image.height, image.width + gap + width);
  std::fill(wide.pixels.begin(), wide.pixels.end(), std::uint8_t{255});
  for (Int i = 0; i < image.height; ++i) {
    std::copy_n(&image.pixels[static_cast<std::size_t>(i * image.width * 3)], image.width * 3,
                &wide.pixels[static_cast<std::size_t>(i * wide.width * 3)]);
    auto colour = jet(static_cast<std::uint8_t>(255 - 255 * i / std::max<Int>(1, image.height - 1)));
    if (exchange) std::swap(colour[0], colour[2]);
    for (Int j = image.width + gap; j < wide.width; ++j)
      std::copy_n(colour.begin(), 3, &wide.pixels[static_cast<std::size_t>((i * wide.width + j) * 3)]);
  }
  image = std::move(wide);
}

}  // namespace

Image overlay(const Image& image, const HeatMap& map, const OverlayOptions& options) {
  Image mixed = image;
  const float largest = map.largest();
  const float least =
      options.from_least && largest > 0 ? *std::min_element(map.values.begin(), map.values.end()) : 0;
  if (largest > least) {
    const std::vector<float> heat =
        resize_bilinear(map.values, map.height, map.width, image.height, image.width);
    for (std::size_t p = 0; p < heat.size(); ++p) {
      const double level = std::clamp(static_cast<double>(heat[p] - least) / (largest - least), 0.0, 1.0);
      auto colour = jet(static_cast<std::uint8_t>(std::lround(255 * level)));
      if (options.exchange_colours) std::swap(colour[0], colour[2]);
      for (std::size_t c = 0; c < 3; ++c) {
        std::uint8_t& value = mixed.pixels[p * 3 + c];
        value = static_cast<std::uint8_t>(
            std::lround((1 - options.strength) * value + options.strength * colour[c]));
      }
    }
  }
  if (options.colour_bar) add_colour_bar(mixed, options.exchange_colours);
  return mixed;
}

}  // namespace sonograd
