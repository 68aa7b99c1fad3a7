// Where the gpu's memory is short: what was being made is named, and the largest batch that fits, which then
// runs where one more does not.
#include <doctest/doctest.h>

#include <regex>
#include <string>

#include "explain/explain.h"
#include "gan/adversarial_step.h"
#include "models/zoo.h"
#include "ops/matmul/matmul.h"
#include "tensor/gpu/gpu.h"
#include "tests/error_of.h"
#include "tests/gpu_standin/standin.h"
#include "tests/tinted_pictures.h"
#include "train/evaluate.h"
#include "train/step_graph.h"

using namespace sonograd;

namespace {

// While one lives the gpu has so many bytes beside those in use.
class Spare {
 public:
  explicit Spare(std::size_t bytes) : before(gpu_standin::machine().memory) {
    std::size_t free = 0, total = 0;
    cudaMemGetInfo(&free, &total);
    gpu_standin::machine().memory = total - free + bytes;
  }
  ~Spare() { gpu_standin::machine().memory = before; }
  Spare(const Spare&) = delete;
  Spare& operator=(const Spare&) = delete;

 private:
  std::size_t before;
};

// The bytes that work takes, once its plans and what is kept beside the weights are there.
std::size_t needed(const std::function<void()>& work) {
  work();
  gpu::reset_peak();
  const Int before = gpu::live_bytes();
  work();
  return static_cast<std::size_t>(gpu::peak_bytes() - before);
}

Model mini() {
  Model model = make_model({.name = "mini", .image_size = 32});
  model.initialise(Random(3), DType::f32, Device::gpu);
  freeze_for(model, TrainingPhase::scratch);
  return model;
}

Batch blank(Int count) {
  Batch batch{Tensor::zeros({count, 32, 32, 3}), {}, {}};
  batch.labels.assign(static_cast<std::size_t>(count), 0);
  return batch;
}

// The batch that the error of run(20) names: it runs, one of so many more does not.
Int named_batch(const std::function<void(Int)>& run, const std::function<Int(Int)>& more) {
  const std::string said = error_of([&] { run(20); });
  CAPTURE(said);
  CHECK(said.find("out of memory on the gpu: cannot allocate") != std::string::npos);
  CHECK(said.find(" for ") != std::string::npos);
  CHECK(said.find("use a smaller batch") == std::string::npos);
  std::smatch found;
  REQUIRE(std::regex_search(said, found, std::regex("; a batch of 20 does not fit, one of ([0-9]+) does")));
  const Int fits = std::stoll(found[1]);
  CHECK(error_of([&] { run(fits); }) == "no error");
  CHECK(error_of([&] { run(more(fits)); }).find("does not fit") != std::string::npos);
  return fits;
}
Int one_more(Int n) {
  return n + 1;
}

}  // namespace

TEST_CASE("a training step names the largest batch that its gpu's memory holds, with the moments in it") {
  Model model = mini();
  const auto trained = trained_parameters(model);
  std::vector<std::vector<double>> before;
  for (const Tensor* value : values_of(trained)) before.push_back(value->values());
  Adam adam;
  const auto gradients = [&](Int n) { gradients_of(model, blank(n), {}); };
  const auto step = [&](Int n) { train_step(model, trained, blank(n), {}, adam, 1e-3); };
  {
    const Spare spare(needed([&] { gradients(5); }));
    CHECK(named_batch(gradients, one_more) >= 5);
    CHECK(error_of([&] { step(20); }).find("a batch of 20 does not fit") != std::string::npos);
  }
  CHECK(adam.steps == 0);
  for (std::size_t i = 0; i < trained.size(); ++i)
    CHECK(trained[i].parameter->value.values() == before[i]);  // smaller batches were tried alone
  const Spare spare(needed([&] { step(5); }));
  CHECK(named_batch(step, one_more) >= 5);
}

TEST_CASE("an op tells which of its outputs found no memory, its inputs and its layer") {
  Model model = mini();
  const Spare spare(0);
  const std::string said = error_of([&] { gradients_of(model, blank(4), {}); });
  CHECK_MESSAGE(
      said.find("a batch of 4 does not fit, nor does one of 1: take a smaller model") != std::string::npos,
      said);
  const LayerScope layer("head");
  const std::string host = error_of([&] {
    matmul(Tensor::filled({Int{1} << 22, 1}, 1), Tensor::filled({1, Int{1} << 22}, 1));
  });
  CHECK_MESSAGE(
      host.find("head: matmul (x [4194304,1], w [1,4194304]): out of memory: cannot allocate 67108864 "
                "MiB for the output [4194304,4194304] beside ") == 0,
      host);
  CHECK(host.find("use a smaller batch or smaller images") != std::string::npos);
}

TEST_CASE("moments that find no memory are named, and leave the optimizer as it was") {
  Model model = mini();
  const auto trained = trained_parameters(model);
  std::size_t bytes = 0;
  for (const Tensor* value : values_of(trained)) bytes += static_cast<std::size_t>(4 * value->elements());
  Adam adam;
  const auto expect_short = [&](std::size_t spare, const char* moment) {
    const Spare short_of(spare);
    const std::string said = error_of([&] { adam.state(trained); });
    CHECK_MESSAGE(said.find(moment) != std::string::npos, said);
  };
  expect_short(bytes / 2, "for adam.m.");
  expect_short(3 * bytes / 2, "for adam.v.");
  CHECK(adam.state(trained).size() == 2 * trained.size());
  train_step(model, trained, blank(2), {}, adam, 1e-3);
}

TEST_CASE("evaluation and the features of a frozen base name a batch") {
  const TintedPictures data(20, 20, 32, 150, 50);
  const Model model = mini();
  const auto judge = [&](Int n) { evaluate(model, data.images, data.labels, data.train, n); };
  const auto keep = [&](Int n) { features_of(model, data.images, data.train, n); };
  {
    const Spare spare(needed([&] { judge(5); }));
    CHECK(named_batch(judge, one_more) >= 5);
  }
  const Spare spare(needed([&] { keep(5); }));
  CHECK(named_batch(keep, one_more) >= 5);
}

TEST_CASE("an explanation takes one image, or tells how many its method takes at once") {
  const Model model = mini();
  const Tensor image = Tensor::filled({1, 32, 32, 3}, 9, DType::f32, Device::gpu);
  {
    const Spare spare(0);
    const std::string said = error_of([&] { explain(model, image, {.method = "gradcam"}); });
    CHECK_MESSAGE(
        said.find("a batch of 1 does not fit, take a smaller model or smaller images") != std::string::npos,
        said);
  }
  const Tensor images = Tensor::zeros({6, 32, 32, 3}, DType::f32, Device::gpu);
  const auto six = [&] { model.predict(images); };
  const Spare spare(needed(six) + 16 * 4 * static_cast<std::size_t>(image.elements()));
  const std::string said = error_of([&] { explain(model, image, {.method = "occlusion"}); });
  CHECK_MESSAGE(
      std::regex_search(said, std::regex("a batch of 16 does not fit, one of [0-9]+ does; the method "
                                         "takes 16 at once: choose another one")),
      said);
}

TEST_CASE("an adversarial step names a batch, of which the networks' largest pass and all moments are part") {
  Gan gan({.image_size = 16, .width = 0.125});
  gan.initialise(Random(1), DType::f32, Device::gpu);
  const auto step = [&](Int n) {
    std::array<Tensor, 3> noise;
    for (Tensor& each : noise) each = latent_noise(n, Random(3), DType::f32, Device::gpu);
    const Tensor real = Tensor::filled({n, 16, 16, 3}, 0.5, DType::f32, Device::gpu);
    adversarial_step(gan, real, noise, smoothed_labels(n, Random(2), DType::f32, Device::gpu),
                     {.random = Random(5)});
  };
  const Spare spare(needed([&] { step(5); }));
  CHECK(named_batch(step, [](Int n) { return 2 * n; }) >=
        3);  // noise and pictures of the 20 are there meanwhile
}

TEST_CASE("a graph of an update names a batch that fits beside all else, and counts no step that was none") {
  Model model = mini();
  const auto trained = trained_parameters(model);
  Adam adam;
  StepGraph graph;
  const auto update = [&](Int n) { return graph.update(model, trained, blank(n), {}, adam, 1e-3); };
  update(20);
  const Spare spare(needed([&] { gradients_of(model, blank(8), {}); }));
  const std::string said = error_of([&] { update(20); });
  CAPTURE(said);
  std::smatch found;
  REQUIRE(std::regex_search(
      said, found, std::regex("a batch of 20 does not fit, one of ([0-9]+) does; --cuda-graph keeps")));
  CHECK(adam.steps == 1);
  const Int fits = std::stoll(found[1]);
  for (int i = 0; i < 3; ++i) update(fits);
  CHECK(graph.launched());
  const auto twice = [&](Int n) {
    update(n);
    update(n);
  };
  CHECK(error_of([&] { twice(fits + 1); }).find("does not fit") != std::string::npos);
}
