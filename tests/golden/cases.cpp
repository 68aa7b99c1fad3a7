#include "tests/golden/cases.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/tape.h"
#include "base/file.h"
#include "ops/binary/binary.h"
#include "tests/golden/formula.h"

namespace sonograd::golden {
namespace {

using nlohmann::json;

Shape shape_of(const json& facts) {
  Shape shape;
  for (const json& size : facts["shape"]) shape.push_back(size.get<Int>());
  return shape;
}

std::vector<double> values_of(const json& facts) {
  if (facts.contains("values")) return facts["values"].get<std::vector<double>>();
  const double scale = facts["scale"], shift = facts["shift"];
  std::vector<double> values;
  for (Int i = 0; i < shape_of(facts).elements(); ++i)
    values.push_back(shift + scale * (2 * draw(facts["key"], static_cast<std::uint32_t>(i)) - 1));
  return values;
}

// Listed values stand at the flat indices j·(n−1)/(m−1) of n elements; `dot` is a weighted sum of them all.
void check_result(const std::string& name, const json& expected, const Tensor& got, double tolerance) {
  CAPTURE(name);
  REQUIRE(got.defined());
  CHECK(got.shape().text() == shape_of(expected).text());
  const std::vector<double> values = got.values(), listed = expected["values"].get<std::vector<double>>();
  double largest = 1e-3, dot = 0, size = 1e-3;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double weight = 2 * draw(77, static_cast<std::uint32_t>(i)) - 1;
    largest = std::max(largest, std::abs(values[i]));
    dot += weight * values[i];
    size += std::abs(weight * values[i]);
  }
  for (std::size_t j = 0; j < listed.size(); ++j) {
    const std::size_t i = listed.size() == values.size() ? j : j * (values.size() - 1) / (listed.size() - 1);
    CAPTURE(i);
    CHECK(std::abs(values[i] - listed[j]) <= tolerance * largest);
  }
  CHECK(std::abs(dot - expected["dot"].get<double>()) <= tolerance * size);
}

void check_case(const json& golden, const Compute& compute, DType dtype, Device device, double tolerance) {
  Named inputs;
  for (const auto& [name, facts] : golden["inputs"].items())
    inputs[name] = Tensor::of(shape_of(facts), values_of(facts), dtype, device);
  const json gradients = golden.value("gradients", json::object()),
             cotangents = golden.value("cotangents", json::object());
  std::vector<Tensor*> wrt;
  for (const auto& [name, expected] : gradients.items()) wrt.push_back(&inputs.at(name));

  Named outputs;
  const auto loss = [&] {
    outputs = compute(golden["attributes"], inputs);
    Tensor total = Tensor::zeros({}, dtype, device);
    for (const auto& [name, facts] : cotangents.items()) {
      const Tensor dy = Tensor::of(shape_of(facts), values_of(facts), dtype, device);
      total = add(total, sum_to(multiply(outputs.at(name), dy), {}));
    }
    return total;
  };
  const Tensors computed = value_and_gradient(loss, wrt).second;
  for (const auto& [name, expected] : golden["outputs"].items())
    check_result(name, expected, outputs.at(name), tolerance);
  std::size_t k = 0;
  for (const auto& [name, expected] : gradients.items())
    check_result("gradient of " + name, expected, computed[k++], 4 * tolerance);
}

}  // namespace

void check_cases(const std::string& op, const Compute& compute, double f32_tolerance) {
  static const json file = json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/layers.json"));
  bool found = false;
  for (const json& golden : file["cases"]) {
    if (golden["op"] != op) continue;
    found = true;
    INFO("case " << golden["name"].get<std::string>());
    check_case(golden, compute, DType::f64, Device::reference, 1e-12);
    if (f32_tolerance == 0) continue;
    check_case(golden, compute, DType::f32, Device::reference, f32_tolerance);
    check_case(golden, compute, DType::f32, Device::cpu, f32_tolerance);
  }
  CHECK(found);
}

}  // namespace sonograd::golden
