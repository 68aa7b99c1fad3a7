#pragma once
#include "data/image.h"
#include "explain/heat_map.h"

namespace sonograd {

struct OverlayOptions {
  double strength = 0.5;          // share of the colours in the mixture
  bool colour_bar = true;         // beside the image, from 0 to 1: the map's largest value
  bool from_least = false;        // colours begin at the map's least value, not at 0: for shares of a whole
  bool exchange_colours = false;  // red for blue, as the authors' notebook shows its maps
};

// The heat map, stretched over the image and scaled to its own largest value, in JET colours mixed into the
// image. A map without a value above where the colours begin leaves the image as it is.
Image overlay(const Image& image, const HeatMap& map, const OverlayOptions& options = {});

// The image at the least whole multiple of its size whose shorter side has that many pixels.
Image enlarged(const Image& image, Int shorter_side = 256);

}  // namespace sonograd
