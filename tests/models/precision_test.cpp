// Training whose products with weights are of factors rounded to 16 bits.
#include <doctest/doctest.h>

#include <cmath>

#include "models/zoo.h"
#include "train/step.h"

using namespace sonograd;

namespace {

constexpr Int size = 32, pictures = 32;

Model model_of(const std::string& name, std::uint64_t seed) {
  Model model = make_model({.name = name, .image_size = size});
  model.initialise(Random(seed), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

// Classes told apart by brightness, so that there is something to learn.
Batch batch_of(const Random& random) {
  Batch batch{Tensor::empty({pictures, size, size, 3}, DType::f32, Device::cpu), {}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, random);
  float* const values = batch.images.mutable_data<float>();
  const Int each = size * size * 3;
  for (Int i = 0; i < pictures; ++i) {
    batch.labels.push_back(i % 3);
    for (Int k = 0; k < each; ++k) values[i * each + k] += static_cast<float>(20 * (i % 3));
  }
  return batch;
}

// Mean loss of steps 101 to 200.
double late_loss(Precision precision, std::uint64_t seed) {
  LossScale scale;
  Model model = model_of("mini", seed);
  Adam adam;
  double sum = 0;
  for (Int step = 0; step < 200; ++step) {
    const Batch batch = batch_of(Random(9).at(static_cast<std::uint64_t>(step)));
    const StepResult result = train_step(model, trained_parameters(model), batch,
                                         {.precision = precision,
                                          .random = Random(seed),
                                          .step = step,
                                          .loss_scale = precision == Precision::f16 ? &scale : nullptr},
                                         adam, 1e-3);
    if (step >= 100) sum += result.loss;
  }
  return sum / 100;
}

// Of b from a, relative to a.
double distance(const Tensors& a, const Tensors& b) {
  double apart = 0, whole = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const std::vector<double> u = a[i].values(), v = b[i].values();
    for (std::size_t k = 0; k < u.size(); ++k) {
      apart += (u[k] - v[k]) * (u[k] - v[k]);
      whole += u[k] * u[k];
    }
  }
  return std::sqrt(apart / whole);
}

}  // namespace

// How far rounding moves a gradient is the model's affair: a deep one with norms over few values is moved
// much.
TEST_CASE("rounding the factors moves the gradients as rounding the weights once does, which it does too") {
  for (const Precision precision : {Precision::bf16, Precision::f16})
    for (const std::string name : {"mini", "efficientnetb0", "densenet121", "vit_s16"}) {
      CAPTURE(name_of(precision));
      CAPTURE(name);
      Model model = model_of(name, 3);
      const Batch batch = batch_of(Random(5));
      LossScale scale;
      const auto gradients = [&](Precision how) {
        StepResult result;
        do {
          if (result.overflowed) scale.update(true);
          result = gradients_of(
              model, batch,
              {.dropout = false, .precision = how, .loss_scale = how == Precision::f16 ? &scale : nullptr});
        } while (result.overflowed);
        return result.gradients;
      };
      const Tensors full = gradients(Precision::full), by_factors = gradients(precision);
      for (const auto& [path, parameter] : model.parameters())
        if (parameter->shape.rank() >= 2) parameter->value = rounded(parameter->value, precision);
      const double by_weights = distance(full, gradients(Precision::full)),
                   by_products = distance(full, by_factors);
      INFO("moved by " << by_products << ", by rounded weights alone " << by_weights);
      CHECK(by_products > by_weights / 2);
      CHECK(by_products < 4 * by_weights);
    }
}

TEST_CASE("the loss over 200 steps in 16 bits is within the noise of f32's seeds") {
  const double first = late_loss(Precision::full, 1), second = late_loss(Precision::full, 2),
               third = late_loss(Precision::full, 3);
  const double noise = std::max({first, second, third}) - std::min({first, second, third});
  CHECK(first < 1);  // it learns: chance is ln 3
  for (const Precision precision : {Precision::bf16, Precision::f16}) {
    const double rounded = late_loss(precision, 1);
    INFO("f32 " << first << ", " << second << ", " << third << "; " << name_of(precision) << " " << rounded);
    CHECK(rounded != first);
    CHECK(std::abs(rounded - first) < noise);
  }
}
