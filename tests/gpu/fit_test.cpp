#include <doctest/doctest.h>

#include "models/zoo.h"
#include "tensor/gpu/policy.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "tests/tinted_pictures.h"
#include "train/checkpoint.h"
#include "train/fit.h"

// A whole run as the program makes it: phases, validation, checkpoints, and a stop in the middle.
using namespace sonograd;

namespace {

struct Run {
  History history;
  std::vector<std::vector<double>> values;
  Int skipped = 0;  // updates, of both phases
};

// Two phases of two and one epochs of 3 batches, the last of 3 images.
Run run(Device device, const std::filesystem::path& folder, const FitOptions& more = {}) {
  const TintedPictures data(16, 11, 32, 150, 50);
  Model model = make_model({.name = "mini", .image_size = 32});
  model.initialise(Random(3), DType::f32, device);
  FitOptions options = more;
  options.batch = 4;
  options.quiet = true;
  options.checkpoint_steps = 1;
  const RunFolder out = RunFolder::at(folder);
  out.make();
  Run result;
  result.history =
      fit(model, {data.images, data.labels, data.train, data.validation},
          {{TrainingPhase::transfer, 1e-2, 2}, {TrainingPhase::finetune, 1e-4, 1}}, options, out,
          {.loss_scaled = [&](const PhasePlan&, const LossScale& s) { result.skipped += s.skipped; }});
  for (const NamedParameter& p : model.parameters()) result.values.push_back(p.parameter->value.values());
  return result;
}

}  // namespace

TEST_CASE("a run on the gpu that was stopped goes on to the bits of one that was not") {
  const TemporaryFolder folder;
  for (const double clip : {0.0, 1.0}) {  // with clipping the gradients are all there before the update
    CAPTURE(clip);
    const std::string name = clip == 0 ? "plain" : "clipped";
    FitOptions options;
    if (clip > 0) options.clip_norm = clip;
    const Run whole = run(Device::gpu, folder / (name + " whole"), options);
    CHECK(whole.history.size() == 3);
    for (const int steps : {2, 7}) {
      const auto stopped = folder / fmt::format("{} {}", name, steps);
      FitOptions until = options, on = options;
      int asked = 0;
      until.stop = [&] { return ++asked == steps; };
      CHECK_THROWS_AS(run(Device::gpu, stopped, until), Stopped);
      on.resume = true;
      const Run resumed = run(Device::gpu, stopped, on);
      CHECK((resumed.values == whole.values));
      for (std::size_t i = 0; i < whole.history.size(); ++i) {
        CHECK(resumed.history[i].loss == whole.history[i].loss);
        CHECK(resumed.history[i].val_loss == whole.history[i].val_loss);
      }
    }
  }
}

// By class weights with which the scale that f16 begins with is too large.
TEST_CASE("a run in f16 on the gpu skips what overflows, and goes on to the same bits") {
  const TemporaryFolder folder;
  FitOptions options;
  options.precision = Precision::f16;
  options.class_weights = {20, 20, 20};
  const Run whole = run(Device::gpu, folder / "whole", options);
  CHECK(whole.skipped > 0);
  CHECK(whole.skipped < 9);
  FitOptions until = options, on = options;
  int asked = 0;
  until.stop = [&] { return ++asked == 2; };
  CHECK_THROWS_AS(run(Device::gpu, folder / "stopped", until), Stopped);
  on.resume = true;
  const Run resumed = run(Device::gpu, folder / "stopped", on);
  CHECK((resumed.values == whole.values));
  CHECK(resumed.skipped == whole.skipped);
}

TEST_CASE("a run goes on under the policy that it began with alone") {
  const TemporaryFolder folder;
  for (const auto& [policy, text] :
       std::vector<std::pair<gpu::Policy, std::string>>{{{.deterministic = false}, "sums in any order"},
                                                        {{.cudnn_batch_norm = true}, "batch norms by cuDNN"},
                                                        {{.cudnn_attention = true}, "attention by cuDNN"}}) {
    const auto stopped = folder / text;
    FitOptions until, on;
    until.stop = [] { return true; };
    on.resume = true;
    gpu::policy() = policy;
    CHECK_THROWS_AS(run(Device::gpu, stopped, until), Stopped);
    gpu::policy() = {};
    const std::string error = error_of([&] { run(Device::gpu, stopped, on); });
    CHECK(error.find(text) != std::string::npos);
  }
}

// Bound: f32's rounding through 9 steps of sgd; Adam makes it into steps of full length where a gradient is
// near 0.
TEST_CASE("a run on the gpu is the reference's") {
  const TemporaryFolder folder;
  FitOptions options;
  options.optimizer = OptimizerKind::sgd;
  options.momentum = 0.9;
  const Run ours = run(Device::gpu, folder / "gpu", options),
            theirs = run(Device::reference, folder / "reference", options);
  REQUIRE(ours.history.size() == theirs.history.size());
  for (std::size_t i = 0; i < ours.history.size(); ++i) {
    CHECK(ours.history[i].loss == doctest::Approx(theirs.history[i].loss).epsilon(1e-4));
    CHECK(ours.history[i].val_loss == doctest::Approx(theirs.history[i].val_loss).epsilon(1e-4));
  }
}
