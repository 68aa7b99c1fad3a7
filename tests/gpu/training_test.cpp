#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "explain/explain.h"
#include "gan/adversarial_step.h"
#include "layers/moving_average.h"
#include "models/model_file.h"
#include "models/zoo.h"
#include "tests/temporary_folder.h"
#include "train/evaluate.h"
#include "train/step.h"

// What a run is made of, on the gpu beside the reference in f32: the same seeds, so the same dropout.
using namespace sonograd;

namespace {

constexpr Int image_size = 32;

Tensor drawn(const Shape& shape, double scale, std::uint64_t seed, Device device) {
  Tensor x = Tensor::empty(shape, DType::f32, device);
  initialise(x, {Init::Kind::uniform, scale}, Random(seed));
  return x;
}

Model mini(Device device) {
  Model model = make_model({.name = "mini", .image_size = image_size});
  model.initialise(Random(3), DType::f32, device);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

// max |a − b| / max |b|
double apart(const Tensor& x, const Tensor& y) {
  const std::vector<double> a = x.values(), b = y.values();
  double size = 0, most = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    size = std::max(size, std::abs(b[i]));
    most = std::max(most, std::abs(a[i] - b[i]));
  }
  return most / std::max(size, 1e-30);
}

struct Run {
  std::vector<double> losses;
  Tensor logits;  // of the trained model
};

Run train(Device device, OptimizerKind kind, int steps) {
  Model model = mini(device);
  const auto optimizer = make_optimizer(kind, 0.9);
  Run run;
  for (int step = 0; step < steps; ++step) {
    const Batch batch{drawn({4, image_size, image_size, 3}, 127, 5, Device::cpu), {0, 1, 2, 1}, {}};
    const StepResult result = gradients_of(model, batch, {.random = Random(7), .step = step});
    apply_updates(result.updates);
    optimizer->update(trained_parameters(model), result.gradients, kind == OptimizerKind::adam ? 1e-3 : 1e-2);
    run.losses.push_back(result.loss);
  }
  Context context;
  run.logits = model.logits(drawn({2, image_size, image_size, 3}, 127, 6, device), context);
  return run;
}

}  // namespace

// Bounds: four steps of the mini model; f32's rounding grows by its norms over 4 pictures and by Adam, which
// gives a gradient near 0 a step of full length in either direction.
TEST_CASE("a training run on the gpu is the reference's") {
  for (const auto& [kind, bound] : std::vector<std::pair<OptimizerKind, double>>{
           {OptimizerKind::adam, 1e-3}, {OptimizerKind::sgd, 1e-4}}) {
    const Run ours = train(Device::gpu, kind, 4), theirs = train(Device::reference, kind, 4);
    CHECK(std::abs(ours.losses[0] - theirs.losses[0]) < 1e-5);
    for (std::size_t i = 0; i < ours.losses.size(); ++i)
      CHECK(std::abs(ours.losses[i] - theirs.losses[i]) < bound * std::max(1.0, theirs.losses[i]));
    CHECK(apart(ours.logits, theirs.logits) < 10 * bound);
    CHECK(theirs.losses[0] != theirs.losses[3]);
  }
}

TEST_CASE("two runs on the gpu give the same bits") {
  const Run first = train(Device::gpu, OptimizerKind::adam, 2),
            second = train(Device::gpu, OptimizerKind::adam, 2);
  CHECK(first.losses == second.losses);
  CHECK(first.logits.values() == second.logits.values());
}

TEST_CASE("a model on the gpu is saved and read, and predicts and explains as the reference does") {
  const TemporaryFolder folder;
  Model model = mini(Device::gpu), reference = mini(Device::reference);
  const Tensor image = drawn({1, image_size, image_size, 3}, 127, 8, Device::cpu);
  CHECK(apart(model.predict(image.to(Device::gpu)), reference.predict(image.to(Device::reference))) < 1e-4);
  for (const char* method : {"gradcam", "layercam", "rollout", "occlusion"}) {
    CAPTURE(method);
    const ExplainOptions options{.method = method};
    const HeatMap ours = explain(model, image.to(Device::gpu), options),
                  theirs = explain(reference, image.to(Device::reference), options);
    REQUIRE(ours.values.size() == theirs.values.size());
    for (std::size_t i = 0; i < ours.values.size(); ++i)
      CHECK(std::abs(ours.values[i] - theirs.values[i]) < 1e-3);
  }
  const auto path = folder / "model.safetensors";
  save_model(model, path);
  const auto a = model.parameters(), b = reference.parameters();
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(a[i].parameter->value.values() == b[i].parameter->value.values());
  CHECK(std::filesystem::file_size(path) > 1000);
}

TEST_CASE("an adversarial step on the gpu is the reference's") {
  const DcganOptions options{.image_size = 32, .width = 0.25};
  const auto step = [&](Device device) {
    Gan gan(options);
    gan.initialise(Random(1), DType::f32, device);
    const SmoothedLabels labels = smoothed_labels(2, Random(2), DType::f32, device);
    std::array<Tensor, 3> noise;
    for (std::size_t k = 0; k < 3; ++k) noise[k] = latent_noise(2, Random(3).at(k), DType::f32, device);
    Tensor real = drawn({2, 32, 32, 3}, 1, 4, device);
    return adversarial_step(gan, real, noise, labels, {.random = Random(5)});
  };
  const AdversarialResult ours = step(Device::gpu), theirs = step(Device::reference);
  CHECK(std::abs(ours.real_loss - theirs.real_loss) < 1e-5);
  CHECK(std::abs(ours.fake_loss - theirs.fake_loss) < 1e-3);
  CHECK(std::abs(ours.generator_losses[1] - theirs.generator_losses[1]) < 1e-2);
  CHECK(apart(ours.fake, theirs.fake) < 1e-4);
}
