#pragma once
#include "data/image.h"

namespace sonograd {

// cv2.resize(…, INTER_AREA), byte for byte: block means where both axes shrink, OpenCV's fixed-point
// interpolation with area-like coefficients on both axes where either one grows, a copy at the same size.
Image resize_area(const Image& image, Int height, Int width);

// cv2.resize(…, INTER_LINEAR) of one float plane [height, width], within rounding of the last place: for heat
// maps.
std::vector<float> resize_bilinear(std::span<const float> plane, Int height, Int width, Int new_height,
                                   Int new_width);

}  // namespace sonograd
