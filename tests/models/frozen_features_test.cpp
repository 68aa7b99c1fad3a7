// The phase `transfer` on features that were computed once.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "models/zoo.h"
#include "train/evaluate.h"
#include "train/step.h"

using namespace sonograd;

namespace {

constexpr Int pictures = 6;
const std::vector<Int> all{0, 1, 2, 3, 4, 5};

Model frozen_model(const std::string& name) {
  Model model = make_model({.name = name, .image_size = 64});
  model.initialise(Random(3), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::transfer);
  return model;
}

ImageSet noise() {
  ImageSet set{64, 64, std::vector<std::uint8_t>(pictures * 64 * 64 * 3)};
  const Random random(5, "pictures");
  for (std::size_t i = 0; i < set.pixels.size(); ++i)
    set.pixels[i] = static_cast<std::uint8_t>(random.below(256, i));
  return set;
}

double apart(const Tensor& x, const Tensor& y) {
  const std::vector<double> a = x.values(), b = y.values();
  REQUIRE(a.size() == b.size());
  double difference = 0, size = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    difference = std::max(difference, std::abs(a[i] - b[i]));
    size = std::max(size, std::abs(a[i]));
  }
  return difference / std::max(size, 1e-30);
}

}  // namespace

TEST_CASE("only bases with drop-connect or dropout give other features in training") {
  const ImageSet set = noise();
  CHECK_FALSE(base_draws(frozen_model("densenet121"), set, all, Random(1)));
  for (const std::string name : {"mini", "efficientnetb0", "vit_s16"})
    CHECK_MESSAGE(base_draws(frozen_model(name), set, all, Random(1)), name);
}

TEST_CASE("the head alone on kept features gives the loss and gradients of the whole model") {
  const ImageSet set = noise();
  Model model = frozen_model("densenet121");
  const BaseFeatures kept = features_of(model, set, {5, 1, 3, 0, 2}, 2);
  CHECK(kept.row_of == std::vector<Int>{3, 1, 4, 2, -1, 0});

  Batch batch{{}, {0, 2, 1}, {3, 0, 5}};
  batch.images = batch_of(set, batch.samples);
  const StepResult whole = gradients_of(model, batch, {});
  const StepResult head = gradients_of(model, batch, {.features = &kept});
  CHECK(head.loss == doctest::Approx(whole.loss).epsilon(1e-6));
  REQUIRE(head.gradients.size() == whole.gradients.size());
  for (std::size_t k = 0; k < head.gradients.size(); ++k)
    CHECK(apart(whole.gradients[k], head.gradients[k]) < 1e-5);

  const std::vector<Int> labels{0, 1, 2, 0, 1, 2}, some{3, 0, 5};
  const Evaluation far = evaluate(model, set, labels, some),
                   near = evaluate(model, set, labels, some, 2, &kept);
  CHECK(near.loss == doctest::Approx(far.loss).epsilon(1e-6));
  CHECK(near.correct == far.correct);
}
