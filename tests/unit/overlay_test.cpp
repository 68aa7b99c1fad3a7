#include "explain/overlay.h"

#include <doctest/doctest.h>

using namespace sonograd;

TEST_CASE("small images are enlarged by whole factors, large ones are not shrunk") {
  Image image(50, 40);
  for (std::size_t i = 0; i < image.pixels.size(); ++i) image.pixels[i] = static_cast<std::uint8_t>(i);
  const Image large = enlarged(image, 100);
  CHECK(large.height == 150);
  CHECK(large.width == 120);
  CHECK(enlarged(large, 100) == large);
}

TEST_CASE("the colour bar stands beside the image, the largest value's colour at the top") {
  const Image image(256, 300);
  HeatMap map;
  map.height = map.width = 1;
  map.values = {1};
  CHECK(overlay(image, map, {.colour_bar = false}).width == image.width);
  const Image with_bar = overlay(image, map, {.strength = 1});
  CHECK(with_bar.height == image.height);
  CHECK(with_bar.width >= image.width + 30);
  const auto at = [&](Int y, Int x) {
    const std::uint8_t* pixel = with_bar.row(y) + 3 * x;
    return std::vector<int>{pixel[0], pixel[1], pixel[2]};
  };
  const Int bar = image.width + 10;
  CHECK(at(0, bar) == at(100, 100));                   // the map is its largest value everywhere
  CHECK(at(255, bar) == std::vector<int>{0, 0, 128});  // JET's first colour
  CHECK(at(100, image.width + 1) == std::vector<int>{255, 255, 255});
}
