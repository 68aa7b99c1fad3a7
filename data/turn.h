#pragma once
#include <span>

#include "base/keras.h"
#include "base/philox.h"

namespace sonograd {

// What Keras' RandomRotation and, after it, RandomFlip do to a picture.
struct Turn {
  double angle = 0;  // radians, counter-clockwise, about the picture's centre
  bool left_right = false, up_down = false;
};

// The draws of RandomRotation(0.8) and RandomFlip(): an angle in ±0.8·2π as f32 holds it, and coins by the
// rule of Keras 2 (one for each direction) or 3 (one for both together).
Turn random_turn(const Random& random, Keras keras);

// `picture` [height, width, 3], turned, into `out` of the same shape: bilinear, mirrored beyond the borders
// (fill_mode "reflect"), neither rounded nor clipped.
void write_turned(std::span<const std::uint8_t> picture, Int height, Int width, const Turn& turn, float* out);

}  // namespace sonograd
