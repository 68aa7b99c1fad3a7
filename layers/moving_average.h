#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace sonograd {

// moving = momentum·moving + (1 − momentum)·factor·batch, in place. A layer in training mode asks for it (a
// norm's statistics, the vector of a spectral norm); it waits until the step has proved finite.
struct MovingUpdate {
  Tensor moving, batch;
  double momentum;
  double factor = 1;  // of the batch's value: n / (n - 1) for Keras 2's unbiased variance
};
// One after the other; on the gpu those of different averages take one launch. Throws Error where the shapes
// differ.
void apply_updates(const std::vector<MovingUpdate>& updates);

}  // namespace sonograd
