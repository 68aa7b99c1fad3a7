#pragma once
#include "models/zoo.h"
#include "train/step.h"

namespace gpu_standin {

// The model mini on the gpu behind its first update, on two images of one grey.
struct MiniTraining {
  sonograd::Model model = sonograd::make_model({.name = "mini", .image_size = 32});
  sonograd::Batch batch{sonograd::Tensor::filled({2, 32, 32, 3}, 100), {0, 1}, {}};
  sonograd::Adam adam;
  std::vector<sonograd::NamedParameter> trained;

  MiniTraining() {
    model.initialise(sonograd::Random(3), sonograd::DType::f32, sonograd::Device::gpu);
    sonograd::freeze_for(model, sonograd::TrainingPhase::scratch);
    trained = sonograd::trained_parameters(model);
    step();
  }
  sonograd::StepResult step(const sonograd::StepOptions& options = {}) {
    return sonograd::train_step(model, trained, batch, options, adam, 1e-3);
  }
};

}  // namespace gpu_standin
