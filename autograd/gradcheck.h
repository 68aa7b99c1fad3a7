#pragma once
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace sonograd {

using Function = std::function<Tensors(const Tensors&)>;

struct GradcheckOptions {
  std::vector<std::string> names = {};   // of the inputs, for the text; left out: x0, x1, …
  std::vector<int> constant = {};        // inputs without a gradient, such as labels
  std::optional<double> tolerance = {};  // relative; left out: 1e-6 in f64, 5e-3 in f32
  Int full_limit = 256;  // a full Jacobian where neither inputs nor outputs have more elements
  int directions = 4;  // else that many random directions: per input up to 8 inputs, then through all at once
  bool views = true;   // with strided inputs and cotangents too
  bool f32 = false;    // accept f32, in which a wrong gradient of 1e-3 passes
};

struct GradcheckResult {
  bool ok = true;
  double max_error = 0;  // |analytic − numeric| / max(|analytic|, |numeric|), down to the rounding floor
  double tolerance = 0;
  std::string text = {};  // of a failure: input, index, both values, their ratio, the likely cause
};

// Holds the gradients that the tape gives of f against central differences, extrapolated to step 0. Beside
// that: f and backward repeat bit for bit, zero cotangents give zero gradients, outputs whose cotangent is
// absent and inputs whose gradient is not wanted change nothing for the rest, and strided views as inputs and
// cotangents give what dense tensors give. f must be differentiable within 1/64 of the inputs
// (in f32 1/16).
// Throws Error where an input is f32 and `f32` was not asked for. What f or backward throw is a failure.
GradcheckResult gradcheck(const Function& f, const Tensors& inputs, const GradcheckOptions& options = {});

}  // namespace sonograd
