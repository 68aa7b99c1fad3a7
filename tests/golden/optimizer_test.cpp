#include <doctest/doctest.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/file.h"
#include "tests/golden/formula.h"
#include "train/optimizer.h"

using namespace sonograd;
using namespace sonograd::golden;
using nlohmann::json;

namespace {

// scripts/golden_optimizers.py: parameters, and gradients from 1e3 down to below Adam's epsilon and 0
constexpr double scales[] = {1, 1e-2, 1e-5, 1e-7, 1e-8, 1e-10, 1e3, 0};

Tensor formula_row(std::uint32_t key, bool scaled, DType dtype, Device device) {
  std::vector<double> values;
  for (std::uint32_t i = 0; i < 8; ++i) values.push_back((2 * draw(key, i) - 1) * (scaled ? scales[i] : 1));
  return Tensor::of({8}, values, dtype, device);
}

std::unique_ptr<Optimizer> optimizer_of(const json& golden) {
  if (golden["optimizer"] == "adam") return make_optimizer(OptimizerKind::adam);
  auto sgd = std::make_unique<Sgd>();
  sgd->momentum = golden["momentum"];
  return sgd;
}

void check_updates(const json& golden, const char* keras, DType dtype, Device device, double tolerance) {
  INFO(golden["optimizer"] << " at " << golden["rate"] << ", momentum " << golden["momentum"] << ", "
                           << keras);
  Parameter parameter;
  parameter.shape = {8};
  parameter.value = formula_row(1, false, dtype, device);
  const std::unique_ptr<Optimizer> optimizer = optimizer_of(golden);
  const json& expected = golden[keras];
  REQUIRE(expected.size() == 12);
  for (std::uint32_t step = 0; step < 12; ++step) {
    CAPTURE(step);
    optimizer->update({{"w", &parameter}}, {formula_row(10 + step, true, dtype, device)},
                      golden["rate"].get<double>() / (step < 6 ? 1 : 10));
    for (Int i = 0; i < 8; ++i) {
      CAPTURE(i);
      const double w = expected[step][static_cast<std::size_t>(i)];
      CHECK(std::abs(parameter.value.at(i) - w) <= tolerance * std::max(1.0, std::abs(w)));
    }
  }
  CHECK(optimizer->steps == 12);
}

}  // namespace

TEST_CASE("Adam and SGD update as Keras does, its epsilon where Keras has it") {
  const json file = json::parse(read_file(SONOGRAD_SOURCE_DIR "/tests/golden/data/optimizers.json"));
  REQUIRE(file["cases"].size() == 4);
  for (const json& golden : file["cases"]) {
    check_updates(golden, "float64", DType::f64, Device::reference, 1e-14);
    check_updates(golden, "float32", DType::f32, Device::cpu, 4e-7);
  }
}
