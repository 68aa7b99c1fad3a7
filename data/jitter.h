#pragma once
#include "data/images.h"
#include "tensor/philox.h"

namespace sonograd {

// How picture `i` looks in one epoch of training with jitter: mirrored left to right in half of the draws,
// and moved by up to an eighth of its width and height, its edge pixels repeated. `out` is [height, width,
// 3], f32 0 … 255. A function of the picture, i and the random stream at its step alone.
void write_jittered(const ImageSet& images, Int i, const Random& random, float* out);

}  // namespace sonograd
