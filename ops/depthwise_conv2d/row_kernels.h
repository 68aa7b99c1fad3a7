#pragma once
#include "tensor/shape.h"

namespace sonograd::depthwise {

// One row of outputs, or of cotangents in `weights`: output j, channel c is at y[j·y_pixel + c] and reads
// x[u][(step·j + v)·x_pixel + c] at tap (u, v). w holds [taps, w_tap] weights or sums of them.
struct Row {
  const float* const* x;
  Int x_pixel;
  float* w;
  Int w_tap;
  float* y;
  Int y_pixel;
  Int outputs;
  Int begin, end;  // channels
};
struct Taps {
  Int height, width, step;
};

// y = Σ x·w over the taps
void convolve(const Taps& taps, const Row& row);
// w += Σ x·y over the row's outputs
void correlate(const Taps& taps, const Row& row);

}  // namespace sonograd::depthwise
