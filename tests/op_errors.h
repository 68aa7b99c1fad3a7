#pragma once
#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <string>

#include "train/step.h"

namespace sonograd {

inline double norm(const Tensor& x) {
  double sum = 0;
  for (const double value : x.values()) sum += value * value;
  return std::sqrt(sum);
}

inline double apart(const Tensor& x, const Tensor& y) {
  const std::vector<double> a = x.values(), b = y.values();
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return std::sqrt(sum);
}

// What an error of an output is held against: its norm, but where it sums many terms, which may cancel, the
// terms'.
inline double size_of(const std::string& op, bool backward, std::size_t output, const Tensors& inputs,
                      const Tensor& y) {
  const double terms =
      static_cast<double>(inputs[0].elements()) /
      static_cast<double>(std::max<Int>(1, y.elements()));  // of an element, where it is a sum
  const bool is_norm = op.rfind("batch_norm", 0) == 0;
  if (is_norm && backward && y.rank() == 1) return norm(inputs[5]) * std::sqrt(terms);  // dgamma, dbeta
  if (is_norm && output == 1) return norm(inputs[0]) / std::sqrt(terms);                // a mean
  if (op == "sum_to") return norm(inputs[0]) * std::sqrt(terms);
  return norm(y);
}

// Runs every op of a training step once more, on the reference in f64 and on the inputs that the model's
// device had, and keeps each op's greatest relative l2 error: no kernel can hide behind the roundings of the
// layers before. `once`: of the calls of an op with inputs of the same shapes the first alone.
inline std::map<std::string, double> op_errors(Model& model, const Batch& batch, bool once = false) {
  std::map<std::string, double> worst;
  std::set<std::string> done;
  const Observer observer([&](const Observation& seen) {
    if (seen.call.is_view() || seen.outputs[0].storage() == seen.inputs[0].storage()) return;
    std::string call = seen.op.name;
    for (const Tensor& x : seen.inputs) call += x.shape().text();
    if (!done.insert(call).second && once) return;
    Tensors inputs, outputs;
    for (const Tensor& x : seen.inputs) inputs.push_back(x.as_dense().to(Device::reference).to(DType::f64));
    for (const Tensor& y : seen.outputs)
      outputs.push_back(Tensor::empty(y.shape(), DType::f64, Device::reference));
    seen.call.reference(inputs, outputs);
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      const double size = size_of(seen.op.name, seen.backward, k, inputs, outputs[k]);
      double& error = worst[fmt::format("{}, output {}", seen.op.name, k)];
      error = std::max(error, apart(seen.outputs[k], outputs[k]) / std::max(size, 1e-30));
    }
  });
  gradients_of(model, batch, {.dropout = false});
  return worst;
}

}  // namespace sonograd
