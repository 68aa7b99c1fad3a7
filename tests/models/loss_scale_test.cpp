// Training in f16: the loss is scaled, and updates whose gradients overflow are skipped.
#include "train/loss_scale.h"

#include <doctest/doctest.h>

#include <cmath>

#include "models/zoo.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "tests/tinted_pictures.h"
#include "train/checkpoint.h"
#include "train/fit.h"
#include "train/step.h"

using namespace sonograd;

namespace {

using Values = std::vector<std::vector<double>>;

Model small_model() {
  Model model = make_model({.name = "mini", .image_size = 16});
  model.initialise(Random(3), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

Batch some_batch() {
  Batch batch{Tensor::empty({4, 16, 16, 3}, DType::f32, Device::cpu), {0, 1, 2, 0}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, Random(5));
  return batch;
}

Values values_of(const Model& model) {
  Values values;
  for (const auto& [name, parameter] : model.parameters()) values.push_back(parameter->value.values());
  return values;
}

Values values_of(const Tensors& tensors) {
  Values values;
  for (const Tensor& x : tensors) values.push_back(x.values());
  return values;
}

double norm_apart(const Tensors& a, const Tensors& b) {
  double apart = 0;
  const Values u = values_of(a), v = values_of(b);
  for (std::size_t i = 0; i < u.size(); ++i)
    for (std::size_t k = 0; k < u[i].size(); ++k) apart += (u[i][k] - v[i][k]) * (u[i][k] - v[i][k]);
  return std::sqrt(apart);
}

}  // namespace

TEST_CASE("the scale halves with each overflow, doubles after 2000 good updates, and ends at 1") {
  LossScale scale;
  CHECK(scale.value == 65536);
  scale.update(true);
  scale.update(true);
  CHECK(scale.value == 16384);
  for (int i = 0; i < 1999; ++i) scale.update(false);
  scale.update(true);  // which starts the count again
  CHECK(scale.value == 8192);
  for (int i = 0; i < 1999; ++i) scale.update(false);
  CHECK(scale.value == 8192);
  scale.update(false);
  CHECK(scale.value == 16384);
  CHECK(scale.good == 0);
  CHECK(scale.skipped == 3);
  for (int i = 0; i < 20; ++i) scale.update(true);
  CHECK(scale.value == 1);
}

TEST_CASE("a scaled loss gives the gradients of the plain one, in f32 to the bit") {
  Model model = small_model();
  LossScale scale;
  const StepResult plain = gradients_of(model, some_batch(), {}),
                   scaled = gradients_of(model, some_batch(), {.loss_scale = &scale});
  CHECK(scaled.loss == plain.loss);
  CHECK((values_of(scaled.gradients) == values_of(plain.gradients)));
  CHECK_FALSE(scaled.overflowed);
  CHECK(scale.good == 0);  // the caller's affair
}

// By class weights that shrink the gradients to where f16 ends.
TEST_CASE("gradients too small for f16 are kept by the scale") {
  Model model = small_model();
  const std::vector<double> weights(3, 1e-7);
  const auto gradients = [&](Precision precision, LossScale* scale) {
    return gradients_of(model, some_batch(),
                        {.class_weights = weights, .precision = precision, .loss_scale = scale})
        .gradients;
  };
  LossScale scale;
  const Tensors exact = gradients(Precision::full, nullptr);
  const double size = global_norm(exact);
  CHECK(norm_apart(gradients(Precision::f16, nullptr), exact) > 0.3 * size);
  CHECK(norm_apart(gradients(Precision::f16, &scale), exact) < 0.03 * size);
}

TEST_CASE("an update that overflows changes nothing but the scale, and the next one is taken") {
  Model model = small_model();
  const auto trained = trained_parameters(model);
  const Values before = values_of(model);
  Adam adam;
  LossScale scale{.value = 0x1p40};
  const auto step = [&] {
    return train_step(model, trained, some_batch(), {.precision = Precision::f16, .loss_scale = &scale}, adam,
                      1e-3);
  };
  const StepResult skipped = step();
  CHECK(skipped.overflowed);
  CHECK(skipped.gradients.empty());
  CHECK(skipped.updates.empty());
  CHECK(std::isfinite(skipped.loss));
  CHECK((values_of(model) == before));
  CHECK(adam.steps == 0);
  CHECK(scale.value == 0x1p39);
  CHECK(scale.skipped == 1);
  scale.value = 1024;
  CHECK_FALSE(step().overflowed);
  CHECK(adam.steps == 1);
  CHECK(scale.good == 1);
  const Values after = values_of(model);
  for (std::size_t k = 0; k < before.size(); ++k)
    if (model.parameters()[k].parameter->trains()) CHECK((after[k] != before[k]));
}

TEST_CASE("what overflows at every scale is a number that is not finite, and named") {
  Model model = small_model();
  const auto trained = trained_parameters(model);
  const Values before = values_of(model);
  Adam adam;
  LossScale scale{.value = 4};
  const auto step = [&] {
    train_step(model, trained, some_batch(),
               {.class_weights = {1e6, 1e6, 1e6}, .precision = Precision::f16, .loss_scale = &scale}, adam,
               1e-3);
  };
  step();
  step();
  CHECK(scale.value == 1);
  CHECK(scale.skipped == 2);
  const std::string error = error_of(step);
  CAPTURE(error);
  CHECK(error.find(
            "update 1: a number is not finite; the first came from dense_1: matmul in the backward pass;") ==
        0);
  CHECK(error.find("try bf16, which reaches beyond f16's 65504, a smaller learning rate") !=
        std::string::npos);
  CHECK((values_of(model) == before));

  // Of a loss that is not finite no scale is the reason.
  scale.value = 65536;
  Batch batch = some_batch();
  batch.images.fill(1e30);
  CHECK(error_of([&] {
          train_step(model, trained, batch, {.precision = Precision::f16, .loss_scale = &scale}, adam, 1e-3);
        }).find("update 1: a number is not finite; the first came from stem_conv: conv2d;") == 0);
  CHECK(scale.value == 65536);
}

namespace {

struct Run {
  History history;
  Values values;
  LossScale scale;
};

// Two epochs of 12 pictures.
Run run(const std::filesystem::path& folder, const FitOptions& more, Int batch = 4) {
  const TintedPictures data(16, 12, 16, 200, 20);
  Model model = small_model();
  FitOptions options = more;
  options.batch = batch;
  options.quiet = true;
  options.precision = Precision::f16;
  options.checkpoint_steps = 1;
  const RunFolder out = RunFolder::at(folder);
  out.make();
  Run result;
  result.history = fit(
      model, {data.images, data.labels, data.train, data.validation}, {{TrainingPhase::scratch, 1e-3, 2}},
      options, out, {.loss_scaled = [&](const PhasePlan&, const LossScale& scale) { result.scale = scale; }});
  result.values = values_of(model);
  return result;
}

std::vector<FitOptions> ways_to_update() {
  FitOptions plain, clipped, accumulated;
  clipped.clip_norm = 1;
  accumulated.accumulate = 2;
  return {plain, clipped, accumulated};
}

}  // namespace

TEST_CASE("a run whose updates all overflow ends with the weights and averages that it began with") {
  const TemporaryFolder folder;
  int way = 0;
  for (FitOptions options : ways_to_update()) {
    CAPTURE(way);
    options.class_weights = {1e4, 1e4, 1e4};  // too much for 6 halvings
    const Run all = run(folder / fmt::format("{}", way++), options);
    CHECK((all.values == values_of(small_model())));
    const Int updates = options.accumulate == 2 ? 4 : 6;
    CHECK(all.scale.skipped == updates);
    CHECK(all.scale.value == std::ldexp(65536, -static_cast<int>(updates)));
  }
}

TEST_CASE(
    "of batches that share an update one that overflows is enough: the others move no averages either") {
  const TemporaryFolder folder;
  FitOptions options;
  options.class_weights = {1e-3, 1e-3, 1e4};  // of one picture in three
  options.accumulate = 12;
  const Run run_of_two = run(folder.path, options, 1);
  CHECK(run_of_two.scale.skipped == 2);
  CHECK((run_of_two.values == values_of(small_model())));
}

// The scale that f16 begins with is too large here.
TEST_CASE("a run that skipped updates and was stopped goes on to the same bits, its scale too") {
  const TemporaryFolder folder;
  int way = 0;
  for (const FitOptions& options : ways_to_update()) {
    CAPTURE(way);
    const Run whole = run(folder / fmt::format("{} whole", way), options);
    CHECK(whole.scale.skipped > 0);
    CHECK(whole.scale.good > 0);
    CHECK((whole.values != values_of(small_model())));
    for (const int times : {1, 2, 3}) {
      const auto stopped = folder / fmt::format("{} {}", way, times);
      FitOptions until = options, on = options;
      int asked = 0;
      until.stop = [&] { return ++asked == times; };
      CHECK_THROWS_AS(run(stopped, until), Stopped);
      on.resume = true;
      const Run resumed = run(stopped, on);
      CHECK((resumed.values == whole.values));
      CHECK(resumed.scale.value == whole.scale.value);
      CHECK(resumed.scale.good == whole.scale.good);
      CHECK(resumed.scale.skipped == whole.scale.skipped);
    }
    ++way;
  }
}
