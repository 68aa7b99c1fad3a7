#pragma once
#include <vector>

#include "tensor/tensor.h"

namespace sonograd {

// average = momentum·average + (1 − momentum)·factor·value, in place. Throws Error where the shapes differ.
void update_moving(Tensor& average, const Tensor& value, double momentum, double factor = 1);

// The same, asked for by a layer in training mode (a norm's statistics, the vector of a spectral norm): it
// waits until the step has proved finite.
struct MovingUpdate {
  Tensor moving, batch;
  double momentum;
  double factor;  // of the batch's value: n / (n - 1) for Keras 2's unbiased variance, else 1
};
void apply_updates(const std::vector<MovingUpdate>& updates);

}  // namespace sonograd
