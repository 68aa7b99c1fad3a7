#pragma once
#include "base/keras.h"
#include "base/philox.h"
#include "data/images.h"

namespace sonograd {

// How training images are changed, anew in each epoch.
struct Augmentation {
  bool jitter = false;      // mirrored in half of the draws, moved by up to an eighth, edge pixels repeated
  bool flip = false;        // Keras' RandomFlip: left to right, and upside down
  Keras keras = Keras::v3;  // flip's coins: 2 throws one for each direction, 3 one for both together

  bool any() const { return jitter || flip; }
};

// Picture `i` as one epoch shows it, f32 0 … 255, into `out` [height, width, 3]. A function of the picture, i
// and the random stream at its step alone.
void write_augmented(const ImageSet& images, Int i, const Augmentation& how, const Random& random,
                     float* out);

}  // namespace sonograd
