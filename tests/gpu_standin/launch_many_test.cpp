// How many launches an update takes.
#include "ops/update/update.h"

#include <doctest/doctest.h>

#include "gan/dcgan.h"
#include "gan/moving_average.h"
#include "models/zoo.h"
#include "tensor/gpu/graph.h"
#include "tests/gpu_standin/mini_training.h"
#include "tests/gpu_standin/seen.h"
#include "train/step.h"

using namespace sonograd;
using gpu_standin::seen;

namespace {

std::size_t launches_of(const std::function<void()>& work) {
  const std::size_t before = gpu_standin::launches();
  work();
  return gpu_standin::launches() - before;
}

Tensors filled(int count, double value) {
  Tensors list;
  for (int i = 0; i < count; ++i)
    list.push_back(Tensor::filled({static_cast<Int>(1 + i)}, value, DType::f32, Device::gpu));
  return list;
}

}  // namespace

TEST_CASE("an update of many tensors takes few launches, eager and in a graph") {
  std::vector<Parameter> parameters(150);
  std::vector<NamedParameter> named;
  const Tensors weights = filled(150, 1), gradients = filled(150, 0.5);
  for (std::size_t i = 0; i < 150; ++i) {
    parameters[i].shape = weights[i].shape();
    parameters[i].value = weights[i];
    named.push_back({std::to_string(i), &parameters[i]});
  }
  for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::sgd}) {
    CAPTURE(name_of(kind));
    const auto optimizer = make_optimizer(kind, 0.9);
    optimizer->update(named, gradients, 1e-3);  // which makes the moments
    const std::size_t most = kind == OptimizerKind::adam ? 3 : 2;
    CHECK(launches_of([&] { optimizer->update(named, gradients, 1e-3); }) == most);
    CHECK(launches_of([&] { optimizer->change(named, 7, {gradients[7]}); }) == 1);
    const auto work = [&] { optimizer->change(named, 0, gradients); };
    gpu::Graph graph;
    graph.rehearse(work);
    CHECK(launches_of([&] { graph.record(work); }) == most);
  }
  CHECK(launches_of([&] { squared_norms(gradients); }) == 2);
  std::vector<MovingUpdate> updates;
  for (std::size_t i = 0; i < 150; ++i) updates.push_back({weights[i], gradients[i], 0.9});
  CHECK(launches_of([&] { apply_updates(updates); }) == 2);
  updates.push_back(updates[0]);
  CHECK(launches_of([&] { apply_updates(updates); }) == 3);  // it comes after the first
}

TEST_CASE("a model's averages, norms and weights, and an averaged generator, take few launches") {
  gpu_standin::MiniTraining mini;
  const auto& trained = mini.trained;
  const StepResult result = gradients_of(mini.model, mini.batch, {});
  CHECK(trained.size() > 66);  // which one launch of Adam takes
  CHECK(result.updates.size() > 10);
  CHECK(launches_of([&] { mini.adam.update(trained, result.gradients, 1e-3); }) ==
        (trained.size() + 65) / 66);
  CHECK(launches_of([&] { global_norm(result.gradients); }) == 2);
  CHECK(launches_of([&] { apply_updates(result.updates); }) == 1);
  const Network now = generator({.image_size = 16, .width = 0.125}),
                average = generator({.image_size = 16, .width = 0.125});
  for (const Network* each : {&now, &average})
    for (const auto& [name, parameter] : each->parameters())
      parameter->value = Tensor::filled(parameter->shape, 1, DType::f32, Device::gpu);
  CHECK(now.parameters().size() > 10);
  CHECK(launches_of([&] { move_average(average, now, 0.9, 100); }) == 1);
}

TEST_CASE("a launch of many that fails is an error that names the first and counts the others") {
  const Tensors a = filled(3, 1), x = filled(3, 2);
  gpu_standin::fail_call("cudaLaunchKernelEx", cudaErrorInvalidConfiguration);
  const std::string said = seen([&] {
                             apply_updates({{a[0], x[0], 0.5}, {a[1], x[1], 0.5}, {a[2], x[2], 0.5}});
                           }).thrown;
  CHECK(said ==
        "average_update (a [1], x [1], and 2 more): cudaLaunchKernelEx of 3 blocks: an error of the stand-in "
        "(cudaErrorInvalidConfiguration)");
}
