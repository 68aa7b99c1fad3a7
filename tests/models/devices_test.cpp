#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "autograd/tape.h"
#include "models/zoo.h"
#include "ops/cross_entropy/cross_entropy.h"
#include "ops/reduce/reduce.h"
#include "tests/models/formula.h"
#include "tests/op_errors.h"

using namespace sonograd;
using namespace sonograd::golden;

namespace {

struct Step {
  double loss = 0;
  Tensors gradients = {};
  std::vector<MovingUpdate> updates = {};
};

Step step(Model& model, const Batch& batch, Context context) {
  const auto trained = trained_parameters(model);
  const Tensor& some = trained.front().parameter->value;
  std::vector<Tensor*> wrt;
  wrt.reserve(trained.size());
  for (const auto& [name, parameter] : trained) wrt.push_back(&parameter->value);
  context.training = true;
  context.dropout = false;
  auto [loss, gradients] = value_and_gradient(
      [&] {
        const Tensor logits = model.logits(batch.images.to(some.dtype()).to(some.device()), context);
        return mean(
            softmax_cross_entropy(logits, one_hot_targets(batch.labels, 3, {}, some.dtype(), some.device())),
            {0});
      },
      wrt);
  return {loss.item(), std::move(gradients), std::move(context.updates)};
}

Model frozen_for(Model model, TrainingPhase phase) {
  freeze_for(model, phase);
  return model;
}

// Fresh weights, f32 values in every type.
Model fresh_model(const std::string& name, DType dtype, Device device, Keras keras = Keras::v3) {
  Model model = make_model({.name = name, .image_size = 64, .keras = keras});
  model.initialise(Random(5, "devices"), DType::f32, Device::reference);
  model.convert(dtype, device);
  return model;
}

const json pictures{{"size", 64}, {"batch", 4}, {"gain", 1.77}};

// Every gradient's relative l2 distance; those that are zero by algebra are below 1e-5 of the largest.
void check_same(Model& model, const Step& step, const Step& exact, double tolerance) {
  CHECK(std::abs(step.loss - exact.loss) <= tolerance * exact.loss);
  double largest = 0;
  for (const Tensor& g : exact.gradients) largest = std::max(largest, norm(g));
  const auto trained = trained_parameters(model);
  REQUIRE(step.gradients.size() == exact.gradients.size());
  for (std::size_t k = 0; k < trained.size(); ++k) {
    const double size = norm(exact.gradients[k]);
    CAPTURE(trained[k].name);
    if (size < 1e-12 * largest)
      CHECK(norm(step.gradients[k]) <= 1e-5 * largest);
    else
      CHECK(apart(step.gradients[k], exact.gradients[k]) <= tolerance * size);
  }
}

using Make = std::function<Model(DType, Device)>;

void check_devices(const Make& make, TrainingPhase phase, bool on_reference = true) {
  const Batch batch = formula_batch(pictures);
  Model exact_model = frozen_for(make(DType::f64, Device::reference), phase);
  const Step exact = step(exact_model, batch, {});
  if (on_reference) check_same(exact_model, step(exact_model, batch, {.fuse = false}), exact, 1e-9);
  for (const Device device : {Device::reference, Device::cpu})
    for (const bool fuse : {true, false}) {
      if (device == Device::reference && !on_reference) continue;
      CAPTURE(name_of(device));
      CAPTURE(fuse);
      Model model = frozen_for(make(DType::f32, device), phase);
      check_same(model, step(model, batch, {.fuse = fuse}), exact, 1e-4);
    }
}

}  // namespace

TEST_CASE("every op of a training step on the cpu is as exact as f32 allows, its inputs given") {
  const auto check = [](Model model) {
    const auto errors = op_errors(model, formula_batch(pictures));
    CHECK(errors.size() > 15);
    for (const auto& of_op : errors) {
      CAPTURE(of_op.first);
      CHECK(of_op.second <= 2e-6);
    }
  };
  const auto trained = [](const char* name, TrainingPhase phase) {
    return frozen_for(formula_model(golden_model(name), pictures, DType::f32, Device::cpu), phase);
  };
  check(trained("efficientnetb0", TrainingPhase::scratch));
  check(frozen_for(fresh_model("mini", DType::f32, Device::cpu), TrainingPhase::finetune));
  if (full())
    check(trained("aeganb3", TrainingPhase::transfer));
  else
    MESSAGE("the ops of aeganb3 run with SONOGRAD_FULL=1");
}

TEST_CASE("loss and gradients agree between the devices, with and without fused ops") {
  const auto fresh = [](const char* name) -> Make {
    return [name](DType dtype, Device device) { return fresh_model(name, dtype, device); };
  };
  const Make aeganb3 = [](DType dtype, Device device) {
    return formula_model(golden_model("aeganb3"), pictures, dtype, device);
  };
  check_devices(fresh("mini"), TrainingPhase::scratch);
  check_devices(fresh("mini"), TrainingPhase::finetune);
  check_devices(fresh("aeganb0"), TrainingPhase::finetune, full());
  check_devices(aeganb3, TrainingPhase::finetune, full());
  if (full())
    check_devices(aeganb3, TrainingPhase::transfer);
  else
    MESSAGE("f32 on the reference, and aeganb3's transfer, run with SONOGRAD_FULL=1");
}

TEST_CASE("Keras 2 and 3 differ in the moving variance and in nothing else of a step") {
  Model model = fresh_model("mini", DType::f64, Device::reference);
  const Batch batch = formula_batch(pictures);
  const Step two = step(model, batch, {.keras = Keras::v2}), three = step(model, batch, {.keras = Keras::v3});
  CHECK(two.loss == three.loss);
  for (std::size_t k = 0; k < two.gradients.size(); ++k)
    CHECK(two.gradients[k].values() == three.gradients[k].values());
  REQUIRE(two.updates.size() == three.updates.size());
  for (std::size_t k = 0; k < two.updates.size(); ++k) {
    const MovingUpdate &a = two.updates[k], &b = three.updates[k];
    CHECK(a.batch.values() == b.batch.values());
    CHECK(a.momentum == b.momentum);
    CHECK(b.factor == 1);
    CHECK((a.factor > 1) == (k % 2 == 1));  // mean, variance, mean, …
  }
  // The last norm sees 4 maps of 8 × 8 positions.
  CHECK(two.updates.back().factor == doctest::Approx(256.0 / 255).epsilon(1e-12));
}

TEST_CASE("Keras 2 and 3 differ in the first values of attention's kernels and in no other") {
  const Model two = fresh_model("mini", DType::f32, Device::cpu, Keras::v2),
              three = fresh_model("mini", DType::f32, Device::cpu, Keras::v3);
  const auto a = two.parameters(), b = three.parameters();
  REQUIRE(a.size() == b.size());
  int differing = 0;
  for (std::size_t k = 0; k < a.size(); ++k) {
    CAPTURE(a[k].name);
    const bool attention =
        a[k].name.rfind("multi_head_attention.", 0) == 0 && a[k].name.find(".kernel") != std::string::npos;
    const bool same = a[k].parameter->value.values() == b[k].parameter->value.values();
    CHECK(same == !attention);
    differing += same ? 0 : 1;
  }
  CHECK(differing == 4);
}
