#pragma once
#include <array>
#include <cstdint>

namespace sonograd {

// OpenCV's JET colour map, R, G, B: 0 is dark blue, 128 green, 255 dark red.
std::array<std::uint8_t, 3> jet(std::uint8_t level);

}  // namespace sonograd
