#include <doctest/doctest.h>

#include <cmath>

#include "tests/models/formula.h"

using namespace sonograd;
using namespace sonograd::golden;

namespace {

// The first gradients of fine-tuning: neither the norm nor a value may be further off than `tolerance` of the
// whole tensor. Attention's key bias has a gradient of zero by algebra, of which rounding is left.
void check_gradients(const std::string& name, DType dtype, Device device, double tolerance) {
  CAPTURE(name);
  const json& golden = golden_model(name);
  const json& facts = golden["training"][0];
  REQUIRE(facts["mode"] == "finetune");
  const Model model = formula_model(golden, facts, dtype, device);
  freeze_for(model, TrainingPhase::finetune);
  const auto trained = trained_parameters(model);
  const StepResult result = gradients_of(model, formula_batch(facts), {.dropout = false});
  CHECK(std::abs(result.loss - facts["losses"][0].get<double>()) <= tolerance * result.loss);
  const json& rows = facts["gradients"];
  REQUIRE(rows.size() == trained.size());
  double largest = 0;
  for (const json& row : rows) largest = std::max(largest, row[1].get<double>());
  for (std::size_t k = 0; k < rows.size(); ++k) {
    CAPTURE(trained[k].name);
    REQUIRE(golden["parameters"][rows[k][0].get<std::size_t>()][0] == trained[k].name);
    const Digest ours = digest(result.gradients[k], 4);
    const double norm = rows[k][1];
    if (norm < 1e-12 * largest) {
      CHECK(trained[k].name.find("key.bias") != std::string::npos);
      CHECK(ours.norm <= 1e-5 * largest);
      continue;
    }
    CHECK(std::abs(ours.norm - norm) <= tolerance * norm);
    for (std::size_t j = 0; j < ours.values.size(); ++j)
      CHECK(std::abs(ours.values[j] - rows[k][2][j].get<double>()) <= tolerance * norm);
  }
}

}  // namespace

TEST_CASE("f32 gradients of the paper's other models agree with Keras") {
  for (const char* name : {"densenet169", "xception", "vit_b16", "vit_b32"})
    check_gradients(name, DType::f32, Device::cpu, 1e-4);
}

TEST_CASE("f64 gradients of the paper's other models agree with Keras to eight digits") {
  for (const char* name : {"densenet169", "vit_b32"})
    check_gradients(name, DType::f64, Device::reference, 1e-8);
  if (full())
    for (const char* name : {"xception", "vit_b16"})
      check_gradients(name, DType::f64, Device::reference, 1e-8);
}
