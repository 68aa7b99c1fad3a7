#include <doctest/doctest.h>

#include <string>

#include "models/zoo.h"
#include "tests/gpu_standin/standin.h"
#include "train/step.h"

using namespace sonograd;

TEST_CASE("a batch that the gpu's memory does not hold is told with one that may, and a smaller one runs") {
  const std::size_t before = gpu_standin::machine().memory;
  Model model = make_model({.name = "mini", .image_size = 32});
  model.initialise(Random(3), DType::f32, Device::gpu);
  freeze_for(model, TrainingPhase::scratch);
  const auto step = [&](Int batch) {
    return gradients_of(
        model, {Tensor::zeros({batch, 32, 32, 3}), std::vector<Int>(static_cast<std::size_t>(batch), 0), {}},
        {});
  };
  std::size_t free = 0, total = 0;
  cudaMemGetInfo(&free, &total);
  gpu_standin::machine().memory = total - free + (std::size_t{12} << 20);
  std::string said;
  try {
    step(512);
  } catch (const Error& error) {
    said = error.what();
  }
  INFO(said);
  CHECK(said.find("out of memory on the gpu") != std::string::npos);
  CHECK(said.find("a batch of 512 does not fit, one of ") != std::string::npos);
  CHECK(step(1).loss > 0);
  gpu_standin::machine().memory = before;
}
