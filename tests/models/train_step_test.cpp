// A whole update, in which each parameter changes as backward has its gradient.
#include <doctest/doctest.h>

#include <cmath>

#include "models/zoo.h"
#include "ops/binary/binary.h"
#include "tensor/pool.h"
#include "tests/error_of.h"
#include "tests/with_threads.h"
#include "train/step.h"

using namespace sonograd;

namespace {

struct Trained {
  std::vector<std::vector<double>> values;
  double loss;
  Int peak;  // bytes of the second step, beside what lived before it
};

Model model_to_train() {
  Model model = make_model({.name = "efficientnetb0", .image_size = 64});
  model.initialise(Random(3), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

Batch some_batch() {
  Batch batch{Tensor::empty({2, 64, 64, 3}, DType::f32, Device::cpu), {0, 1}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, Random(5));
  return batch;
}

Trained two_steps(
    const std::function<StepResult(Model&, const Batch&, const StepOptions&, Optimizer&)>& step) {
  Model model = model_to_train();
  const Batch batch = some_batch();
  Adam adam;
  Trained trained{};
  for (Int i = 0; i < 2; ++i) {
    pool::reset_peak();
    const Int before = pool::live_bytes();
    trained.loss = step(model, batch, {.random = Random(7), .step = i}, adam).loss;
    trained.peak = pool::peak_bytes() - before;
  }
  for (const auto& [name, parameter] : model.parameters())
    trained.values.push_back(parameter->value.values());
  return trained;
}

}  // namespace

TEST_CASE("the norm of all gradients has the same bits for every number of threads") {
  std::vector<double> values(200003);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = std::sin(static_cast<double>(i));
  const Int n = static_cast<Int>(values.size());
  const Tensors gradients{Tensor::of({n}, values), Tensor::of({3}, {3, 4, 12}, DType::f64),
                          Tensor::of({0}, {})};
  double expected = 169;
  for (const double value : gradients[0].values()) expected += value * value;
  const auto norm = [&](int count) {
    const WithThreads here(count);
    return global_norm(gradients);
  };
  CHECK(norm(1) == doctest::Approx(std::sqrt(expected)).epsilon(1e-13));
  CHECK(norm(3) == norm(1));
}

TEST_CASE("a gradient at a time gives the bits of all at once, in less memory") {
  const Trained whole =
      two_steps([](Model& model, const Batch& batch, const StepOptions& o, Optimizer& adam) {
        StepResult result = gradients_of(model, batch, o);
        apply_updates(result.updates);
        adam.update(trained_parameters(model), result.gradients, 1e-3);
        return result;
      });
  const Trained parts =
      two_steps([](Model& model, const Batch& batch, const StepOptions& o, Optimizer& adam) {
        StepResult result = train_step(model, trained_parameters(model), batch, o, adam, 1e-3);
        CHECK_FALSE(result.gradients.at(0).defined());
        return result;
      });
  CHECK(parts.loss == whole.loss);
  CHECK((parts.values == whole.values));
  CHECK(parts.peak < 0.8 * whole.peak);
}

TEST_CASE("a gradient that is not finite stops the update before its parameter changes") {
  Model model = model_to_train();
  const Batch batch = some_batch();
  Adam adam;
  const auto trained = trained_parameters(model);
  // Backward alone overflows: small features times the largest weights give a finite loss, and these weights
  // times the class weights is none.
  for (const auto& [name, parameter] : trained) {
    if (name == "top_bn.gamma")
      parameter->value = multiply(parameter->value, scalar_like(parameter->value, 1e-30));
    if (parameter->shape != Shape{1280, 3}) continue;
    std::vector<double> values = parameter->value.values();
    for (double& value : values) value = value < 0 ? -3e38 : 3e38;
    parameter->value = Tensor::of(parameter->shape, values);
  }
  const std::vector<double> before = trained[0].parameter->value.values();
  const std::string error = error_of([&] {
    train_step(model, trained, batch, {.class_weights = {4, 4, 4}}, adam, 1e-3);
  });
  CAPTURE(error);
  CHECK(error.find("update 1: a number is not finite; the first came from dense: ") == 0);
  CHECK((trained[0].parameter->value.values() == before));
}
