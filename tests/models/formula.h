#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "models/model.h"
#include "train/step.h"

// The models of tests/golden/data/<model>.json, which scripts/golden_models.py made with Keras in f64. Their
// weights and pictures come from formulas, so that no data has to be kept.
namespace sonograd::golden {

using nlohmann::json;

const json& golden_model(const std::string& name);

// Whether SONOGRAD_FULL asks for the slow cases too: pictures of 224 pixels, and f64 on the large models.
bool full();

// float32 values: kernel (2u - 1)·sqrt(3·gain / fan_in), positive 0.5 + u, small 0.2u - 0.1, u = u(key,
// element)
std::vector<double> formula_weight(std::uint32_t key, const std::string& kind, double fan_in, Int count,
                                   double gain);

// The golden file's model at the size, form and gain of `facts`, one of the file's passes or trainings. Its
// weights are f32 values in any dtype.
Model formula_model(const json& golden, const json& facts, DType dtype, Device device);

// Pixel (y, x, c) of picture n: ((3x + 5y + 40c + 17n) XOR ((x·y) >> 4)) AND 255; labels (n + 1) mod 3.
Batch formula_batch(const json& facts);

// What the golden files keep of a tensor: its l2 norm, mean, mean of |x|, and the values at the flat indices
// j·(n-1)/(m-1), j = 0 … m-1, of n elements; all of them where n <= m.
struct Digest {
  double norm = 0, mean = 0, mean_size = 0;
  std::vector<double> values;
};
Digest digest(const Tensor& x, std::size_t m);

}  // namespace sonograd::golden
