#include "explain/overlay.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "data/resize.h"
#include "explain/colour_map.h"

namespace sonograd {
namespace {

constexpr int glyph_height = 7, glyph_width = 5;
using Glyph = std::array<const char*, glyph_height>;
constexpr Glyph one = {"  x  ", " xx  ", "  x  ", "  x  ", "  x  ", "  x  ", " xxx "};
constexpr Glyph zero = {" xxx ", "x   x", "x   x", "x   x", "x   x", "x   x", " xxx "};

void draw_glyph(Image& image, const Glyph& glyph, Int top, Int left, Int dot) {
  for (Int i = 0; i < dot * glyph_height; ++i)
    for (Int j = 0; j < dot * glyph_width; ++j)
      if (glyph[static_cast<std::size_t>(i / dot)][j / dot] == 'x')
        std::fill_n(image.row(top + i) + 3 * (left + j), 3, std::uint8_t{0});
}

// To the right, on white: from 0 at the bottom to 1, the largest value, at the top.
void add_colour_bar(Image& image, bool exchange) {
  const Int shorter = std::min(image.height, image.width);
  const Int dot = std::max<Int>(1, shorter / 128), gap = 4 * dot, width = 10 * dot;
  const Int bar = image.width + gap, numbers = bar + width + 2 * dot;
  Image wide(image.height, numbers + glyph_width * dot + 2 * dot);
  std::fill(wide.pixels.begin(), wide.pixels.end(), std::uint8_t{255});
  for (Int i = 0; i < image.height; ++i) {
    std::copy_n(image.row(i), image.width * 3, wide.row(i));
    auto colour = jet(static_cast<std::uint8_t>(255 - 255 * i / std::max<Int>(1, image.height - 1)));
    if (exchange) std::swap(colour[0], colour[2]);
    for (Int j = bar; j < bar + width; ++j) std::copy_n(colour.begin(), 3, wide.row(i) + 3 * j);
  }
  if (image.height >= 2 * dot * glyph_height) {
    draw_glyph(wide, one, 0, numbers, dot);
    draw_glyph(wide, zero, image.height - dot * glyph_height, numbers, dot);
  }
  image = std::move(wide);
}

}  // namespace

Image enlarged(const Image& image, Int shorter_side) {
  const Int shorter = std::max<Int>(1, std::min(image.height, image.width));
  const Int factor = (shorter_side + shorter - 1) / shorter;
  return factor <= 1 ? image : resize_area(image, factor * image.height, factor * image.width);
}

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
