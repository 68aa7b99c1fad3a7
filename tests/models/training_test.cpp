#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "ops/batch_norm/batch_norm.h"
#include "tests/models/parity.h"
#include "train/fit.h"

using namespace sonograd;
using namespace sonograd::golden;

namespace {

// Relative l2 distances. Each is at most `keras` times the distance that the golden file gives between Keras'
// own f32 and f64, for the same parameter or the median over all, whichever is greater: a bias of three
// elements may come out near the exact value by chance. Where that is below `least`, `least` (f64: it alone).
// The changes of the parameters are compared where a training has no more than `steps` steps.
struct Allowed {
  DType dtype;
  Device device;
  double loss, keras, least;
  std::size_t steps = 10;
};
constexpr Allowed fast{DType::f32, Device::cpu, 0, 4, 2e-6};
constexpr Allowed exact{DType::f64, Device::reference, 1e-10, 0, 1e-7};
constexpr Allowed exact_gradients{DType::f64, Device::reference, 1e-10, 0, 1e-8, 1};

// The spec: a gradient that is zero by algebra is at most 1e-5 of the model's largest.
constexpr double zero = 1e-5;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// Whether the golden file may say that a parameter's gradient is zero: the names that golden_models.py gives.
bool may_be_zero(const std::string& name, const std::string& mode) {
  if (ends_with(name, ".key.bias")) return true;
  if (mode == "finetune") return false;
  return name == "multi_head_attention.value.bias" || name == "multi_head_attention.attention_output.bias" ||
         (mode == "scratch" && ends_with(name, "project_bn.beta")) ||
         ends_with(name, "batch_normalization.beta");
}

using Rows = std::vector<std::pair<std::string, Digest>>;

double largest_norm(const json& rows) {
  double largest = 0;
  for (const json& row : rows) largest = std::max(largest, row[1].get<double>());
  return largest;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2),
                   values.end());
  return values[values.size() / 2];
}

// Rows [index, l2 norm, [4 values]]: neither the norm nor a value can be further off than the whole tensor.
// A parameter whose gradient is zero has noise for its norm, and for its change under Adam a sign of noise.
// `unit`: in which the absolute differences are recorded.
void check_rows(const json& golden, const json& facts, const std::string& what, const Rows& ours,
                const Allowed& allowed, double unit = 1) {
  CAPTURE(what);
  const json& rows = facts[what];
  REQUIRE(rows.size() == ours.size());
  Parity parity(golden, facts, what == "moving" ? "moving averages" : what, allowed.dtype, allowed.device);
  const double largest = largest_norm(facts["gradients"]);
  for (std::size_t k = 0; k < rows.size(); ++k) {
    const std::string& name = ours[k].first;
    const Digest& got = ours[k].second;
    CAPTURE(name);
    REQUIRE(golden["parameters"][rows[k][0].get<std::size_t>()][0] == name);
    if (what != "moving" && facts["gradients"][k][1].get<double>() < 1e-12 * largest) {
      CHECK(may_be_zero(name, facts["mode"]));
      if (what == "gradients") CHECK(got.norm <= zero * largest);
      continue;
    }
    const double norm = rows[k][1].get<double>() / unit;
    double bound = allowed.least;
    if (what != "moving") {
      const json& errors = facts[what == "gradients" ? "f32_gradient_error" : "f32_change_error"];
      bound = std::max(bound, allowed.keras * std::max(errors[k].get<double>(), median(errors)));
    }
    parity.check(got.norm / unit, norm, norm, bound * norm);
    for (std::size_t j = 0; j < got.values.size(); ++j)
      parity.check(got.values[j] / unit, rows[k][2][j].get<double>() / unit, norm, bound * norm);
  }
}

Rows moving_averages(const Model& model, const std::vector<MovingUpdate>& updates) {
  Rows moved;
  for (const auto& [name, parameter] : model.parameters())
    for (const MovingUpdate& update : updates)
      if (update.moving.storage() == parameter->value.storage())
        moved.emplace_back(name, digest(parameter->value, 4));
  return moved;
}

void check_training(const json& golden, const json& facts, const Allowed& allowed) {
  INFO(golden["model"].get<std::string>() << ", " << facts["mode"] << ", " << facts["size"] << " pixels");
  Model model = formula_model(golden, facts, allowed.dtype, allowed.device);
  freeze_for(model, phase_named(facts["mode"]));
  const Batch batch = formula_batch(facts);
  const auto trained = trained_parameters(model);
  std::vector<Tensor> before;
  before.reserve(trained.size());
  for (const auto& [name, parameter] : trained) before.push_back(parameter->value.copy());

  Adam adam;
  const std::vector<double> losses = facts["losses"];
  const double largest = *std::max_element(losses.begin(), losses.end());
  const std::size_t steps = std::min(losses.size(), allowed.steps);
  Parity parity(golden, facts, steps == 1 ? "loss" : fmt::format("losses of {} steps", steps), allowed.dtype,
                allowed.device);
  for (std::size_t step = 0; step < steps; ++step) {
    CAPTURE(step);
    const StepResult result = gradients_of(model, batch, {.dropout = false});
    const double bound =
        allowed.loss > 0 ? allowed.loss * losses[step] : facts["f32_bounds"][step].get<double>();
    parity.check(result.loss, losses[step], largest, bound);
    if (step == 0) {
      Rows gradients;
      for (std::size_t k = 0; k < trained.size(); ++k)
        gradients.emplace_back(trained[k].name, digest(result.gradients[k], 4));
      check_rows(golden, facts, "gradients", gradients, allowed);
    }
    if (!facts.contains("changes")) return;
    apply_updates(result.updates);
    if (step == 0) check_rows(golden, facts, "moving", moving_averages(model, result.updates), allowed);
    adam.update(trained, result.gradients, facts["rate"]);
  }
  if (losses.size() > allowed.steps) return;
  Rows changes;
  for (std::size_t k = 0; k < trained.size(); ++k) {
    std::vector<double> change = trained[k].parameter->value.values();
    const std::vector<double> old = before[k].values();
    for (std::size_t i = 0; i < old.size(); ++i) change[i] -= old[i];
    changes.emplace_back(trained[k].name, digest(Tensor::of(before[k].shape(), change, DType::f64), 4));
  }
  check_rows(golden, facts, "changes", changes, allowed, facts["rate"]);
}

// `frozen_steps`: what a training that freezes layers has at most, where not all cases are asked for.
void check_trainings(const char* name, const Allowed& allowed, std::size_t frozen_steps = 10) {
  const json& golden = golden_model(name);
  for (const json& facts : golden["training"]) {
    if (!full() && facts["size"] >= 224) continue;
    Allowed of_this = allowed;
    if (!full() && facts["mode"] != "scratch") of_this.steps = std::min(allowed.steps, frozen_steps);
    check_training(golden, facts, of_this);
  }
}

}  // namespace

TEST_CASE(
    "f32 training agrees with Keras as well as Keras' own f32: loss, gradients, Adam, moving averages") {
  for (const char* name : {"efficientnetb0", "aeganb3"}) check_trainings(name, fast);
}

TEST_CASE("f32 training agrees with Keras on the other models") {
  for (const char* name : {"efficientnetb3", "aeganb3_noattention"}) check_trainings(name, fast);
}

TEST_CASE("f32 training agrees with Keras on the models that the paper compares") {
  for (const char* name : {"densenet169", "xception", "vit_b16", "vit_b32"}) check_trainings(name, fast);
}

TEST_CASE("f64 training agrees with Keras to seven digits") {
  check_trainings("efficientnetb0", exact, 2);
  if (!full()) MESSAGE("all ten steps of transfer and finetune run with SONOGRAD_FULL=1");
}

TEST_CASE("f64 loss, gradients and moving averages agree with Keras to eight digits") {
  for (const char* name : {"densenet169", "vit_b32"}) check_trainings(name, exact_gradients);
  if (full())
    for (const char* name : {"aeganb3", "aeganb3_noattention", "xception", "vit_b16"})
      check_trainings(name, exact_gradients);
}
