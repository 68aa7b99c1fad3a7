#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>

#include "layers/dense.h"
#include "models/vit.h"
#include "models/zoo.h"
#include "tests/op_errors.h"

// Each family whole: every op of a training step, in each of its shapes, beside the reference in f64 with the
// inputs that the gpu had; and what the model predicts, beside the reference's own.
using namespace sonograd;

namespace {

Batch pictures(Int count, Int size) {
  Batch batch{Tensor::empty({count, size, size, 3}, DType::f32, Device::cpu), {}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, Random(5));
  for (Int i = 0; i < count; ++i) batch.labels.push_back(i % 3);
  return batch;
}

Model ready(Model model, Device device) {
  model.initialise(Random(3), DType::f32, device);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

// Bounds: f32's rounding in one op, and through all layers.
void check_family(const std::function<Model()>& make, Int batch_size, Int image_size) {
  const Batch batch = pictures(batch_size, image_size);
  Model ours = ready(make(), Device::gpu), theirs = ready(make(), Device::reference);
  const auto errors = op_errors(ours, batch, true);
  CHECK(errors.size() > 10);
  for (const auto& of_op : errors) {
    CAPTURE(of_op.first);
    CHECK(of_op.second <= 5e-6);
  }
  const Tensor a = ours.predict(batch.images.to(Device::gpu)),
               b = theirs.predict(batch.images.to(Device::reference));
  CHECK(apart(a, b) <= 1e-4 * norm(b));
}

std::function<Model()> known(const char* name, Int image_size) {
  return [=] { return make_model({.name = name, .image_size = image_size}); };
}

}  // namespace

TEST_CASE("EfficientNet with attention on the gpu is the reference's") {
  check_family(known("aeganb0", 32), 3, 32);
}

TEST_CASE("DenseNet on the gpu is the reference's") {
  check_family(known("densenet121", 32), 3, 32);
}

TEST_CASE("Xception on the gpu is the reference's") {
  if (std::getenv("SONOGRAD_FULL") == nullptr) {
    MESSAGE("Xception runs with SONOGRAD_FULL=1");
    return;
  }
  check_family(known("xception", 71), 1, 71);
}

TEST_CASE("a Vision Transformer on the gpu is the reference's") {
  constexpr VitSize small{.patch = 8, .hidden = 48, .layers = 3, .heads = 3, .mlp = 96};
  const auto make = [&] {
    ModelOptions options{.name = "vit_s16", .image_size = 32};
    Backbone base = vit(small, options.image_size, options.keras);
    Chain head;
    head.add("dense", dense(base.channels, 3));
    return Model(options, std::move(base.layers), std::move(head), vit_grid(small, options.image_size));
  };
  check_family(make, 3, 32);
}
