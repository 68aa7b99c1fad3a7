#pragma once
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "tensor/tensor.h"

// The cases of tests/golden/data/layers.json, which scripts/golden_layers.py made with Keras in f64. Inputs
// come from the formula of scripts/golden_formula.py.
namespace sonograd::golden {

using Named = std::map<std::string, Tensor>;
// From a case's attributes and inputs to its outputs, by the names that the file gives them.
using Compute = std::function<Named(const nlohmann::json& attributes, const Named& inputs)>;

// Runs every case of the op, in f64 on the reference within 1e-12, in f32 on reference and cpu within
// `f32_tolerance` (0: f64 alone), and CHECKs each output, and with four times the tolerance each gradient of
// the loss that the case's cotangents define. Tolerances are relative to the largest value, down to values of
// 1e-3. CHECKs, too, that the file has such cases.
void check_cases(const std::string& op, const Compute& compute, double f32_tolerance = 1e-5);

}  // namespace sonograd::golden
