#pragma once
#include "tensor/shape.h"

namespace sonograd::depthwise {

struct Taps {
  Int height, width, step;
};
// One row of outputs y [outputs, channels]: output j reads at tap (u, v) x[u][(step·j + v)·x_pixel +
// channel]. Weights are [taps, channels]; x_pixel and y_pixel are the floats from one pixel to the next.
struct Row {
  const float* const* x;
  Int x_pixel, channels, outputs, y_pixel;
};

// y = Σ x·w over the taps
void convolve(const Taps& taps, const Row& row, const float* w, float* y);
// w += Σ x·y over the outputs
void correlate(const Taps& taps, const Row& row, const float* y, float* w);

}  // namespace sonograd::depthwise
