// Updates as launches of a recorded graph beside the same without one: to the bit, in each phase and of each
// family, with smaller batches, evaluation and other changes of the weights between them.
#include <doctest/doctest.h>

#include <cstdlib>
#include <limits>

#include "layers/dense.h"
#include "models/vit.h"
#include "models/zoo.h"
#include "tensor/gpu/numbers.h"
#include "tensor/gpu/policy.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"
#include "tests/tinted_pictures.h"
#include "train/checkpoint.h"
#include "train/fit.h"
#include "train/step_graph.h"

using namespace sonograd;

namespace {

Batch pictures(Int count, Int size, std::uint64_t seed) {
  Batch batch{Tensor::empty({count, size, size, 3}, DType::f32, Device::cpu), {}, {}};
  initialise(batch.images, {Init::Kind::uniform, 127}, Random(seed));
  for (Int i = 0; i < count; ++i) batch.labels.push_back((i + static_cast<Int>(seed)) % 3);
  return batch;
}

using Make = std::function<Model()>;
Make known(const char* name, Int image_size = 16) {
  return [=] { return make_model({.name = name, .image_size = image_size}); };
}

struct Run {
  std::vector<double> losses;  // and what the model predicts between the updates
  std::vector<Int> correct;
  std::vector<std::vector<double>> values;
  int launches = 0;

  bool operator==(const Run& other) const {
    return losses == other.losses && correct == other.correct && values == other.values;
  }
};

struct Plan {
  TrainingPhase phase = TrainingPhase::scratch;
  OptimizerKind optimizer = OptimizerKind::adam;
  std::vector<Int> batches = {3, 3, 3, 2, 3, 3};  // images of each update
  StepOptions options = {.class_weights = {1, 2, 0.5}, .random = Random(7)};
  Int image_size = 16;
  bool predicts = true;  // between the updates
};

Run train(const Make& make, const Plan& plan, bool as_graph) {
  Model model = make();
  model.initialise(Random(3), DType::f32, Device::gpu);
  freeze_for(model, plan.phase);
  const auto trained = trained_parameters(model);
  const auto optimizer = make_optimizer(plan.optimizer, 0.9);
  StepGraph graph;
  Run run;
  StepOptions options = plan.options;
  for (const Int count : plan.batches) {
    const Batch batch = pictures(count, plan.image_size, static_cast<std::uint64_t>(options.step));
    const double rate = 1e-2 / static_cast<double>(1 + options.step);
    const StepResult result = as_graph ? graph.update(model, trained, batch, options, *optimizer, rate)
                                       : train_step(model, trained, batch, options, *optimizer, rate);
    run.launches += graph.launched();
    run.losses.push_back(result.loss);
    run.correct.push_back(result.correct);
    if (plan.predicts)
      for (const double p : model.predict(batch.images.to(Device::gpu)).values()) run.losses.push_back(p);
    ++options.step;
    options.first_sample += count;
  }
  for (const NamedParameter& p : model.parameters()) run.values.push_back(p.parameter->value.values());
  for (const auto& [name, moment] : optimizer->state(trained)) run.values.push_back(moment.values());
  return run;
}

void check_equal(const Make& make, const Plan& plan = {}, int launches = 3) {
  const Run graph = train(make, plan, true), eager = train(make, plan, false);
  CHECK(graph.launches == launches);
  CHECK(graph.losses == eager.losses);
  CHECK((graph == eager));
  CHECK(eager.losses.front() != eager.losses.back());
}

}  // namespace

TEST_CASE("updates of each phase and optimizer are the same as a graph") {
  for (const TrainingPhase phase : {TrainingPhase::scratch, TrainingPhase::transfer, TrainingPhase::finetune})
    for (const OptimizerKind kind : {OptimizerKind::adam, OptimizerKind::sgd}) {
      CAPTURE(name_of(phase));
      check_equal(known("mini"), {.phase = phase, .optimizer = kind});
    }
}

TEST_CASE(
    "updates with blocks computed again, in bf16 and with cuDNN's batch norms are the same as a graph") {
  Plan plan;
  plan.options.recompute = true;
  check_equal(known("mini"), plan);
  plan.options = {.precision = Precision::bf16, .norm_momentum = 0.5, .random = Random(8)};
  check_equal(known("mini"), plan);
  plan.options = {.dropout = false};
  gpu::policy().cudnn_batch_norm = true;
  check_equal(known("mini"), plan);
  gpu::policy() = {};
}

TEST_CASE("updates of each family are the same as a graph") {
  const Plan few{.batches = {2, 2, 2}, .image_size = 32, .predicts = false};
  check_equal(known("aeganb0", 32), few, 1);
  check_equal(known("densenet121", 32), few, 1);
  constexpr VitSize small{.patch = 8, .hidden = 48, .layers = 3, .heads = 3, .mlp = 96};
  const auto small_vit = [&] {
    ModelOptions options{.name = "vit_s16", .image_size = 32};
    Backbone base = vit(small, options.image_size, options.keras);
    Chain head;
    head.add("dense", dense(base.channels, 3));
    return Model(options, std::move(base.layers), std::move(head), vit_grid(small, options.image_size));
  };
  check_equal(small_vit, few, 1);
  if (std::getenv("SONOGRAD_FULL") != nullptr)
    check_equal(known("xception", 71), {.batches = {1, 1, 1, 1}, .image_size = 71}, 2);
  else
    MESSAGE("Xception runs with SONOGRAD_FULL=1");
}

TEST_CASE("each preprocessing is the same in a graph") {
  for (const Preprocess how : {Preprocess::raw, Preprocess::tf, Preprocess::torch})
    check_equal([&] { return make_model({.name = "mini", .image_size = 16, .preprocess = how}); });
}

TEST_CASE("a larger batch makes another graph, smaller ones go without") {
  check_equal(known("mini"), {.batches = {1, 2, 2, 2, 1, 2, 3, 3, 2, 3, 3}}, 4);
}

TEST_CASE("other weights, other options and another optimizer make another graph") {
  Model model = known("mini")();
  model.initialise(Random(3), DType::f32, Device::gpu);
  freeze_for(model, TrainingPhase::finetune);
  StepGraph graph;
  auto optimizer = make_optimizer(OptimizerKind::adam);
  StepOptions options{.random = Random(7)};
  const auto launches = [&](int updates) {
    std::vector<bool> is;
    for (int i = 0; i < updates; ++i) {
      graph.update(model, trained_parameters(model), pictures(2, 16, 1), options, *optimizer, 1e-3);
      ++options.step;
      is.push_back(graph.launched());
    }
    return is;
  };
  const std::vector<bool> anew{false, false, true, true};
  CHECK(launches(4) == anew);
  options.dropout = false;
  CHECK(launches(4) == anew);
  freeze_for(model, TrainingPhase::scratch);
  optimizer = make_optimizer(OptimizerKind::adam);
  CHECK(launches(4) == anew);
  gpu::policy().tf32 = true;
  CHECK(launches(4) == anew);
  gpu::policy() = {};
  Tensor& weight = trained_parameters(model)[0].parameter->value;
  weight = weight.copy();  // elsewhere
  CHECK(launches(4) == anew);
  weight.fill(0.1);  // where the graph reads it
  CHECK(launches(1) == std::vector<bool>{true});
}

TEST_CASE("an update that is not finite changes nothing, and is named as without a graph") {
  for (const int steps : {1, 2, 4}) {  // it is rehearsed, recorded, launched
    std::string said[2];
    for (const bool as_graph : {false, true}) {
      Model model = known("mini")();
      model.initialise(Random(3), DType::f32, Device::gpu);
      freeze_for(model, TrainingPhase::scratch);
      const auto trained = trained_parameters(model);
      const auto optimizer = make_optimizer(OptimizerKind::adam);
      StepGraph graph;
      StepOptions options{.random = Random(7)};
      const auto update = [&](const Batch& batch) {
        as_graph ? graph.update(model, trained, batch, options, *optimizer, 1e-3)
                 : train_step(model, trained, batch, options, *optimizer, 1e-3);
        ++options.step;
      };
      for (int i = 0; i < steps; ++i) update(pictures(2, 16, 1));
      std::vector<std::vector<double>> before, after;
      for (const auto& p : model.parameters()) before.push_back(p.parameter->value.values());
      Batch bad = pictures(2, 16, 2);
      bad.images.slice(0, 1, 2).slice(1, 3, 4).fill(std::numeric_limits<double>::infinity());
      said[as_graph] = error_of([&] { update(bad); });
      for (const auto& p : model.parameters()) after.push_back(p.parameter->value.values());
      CHECK((before == after));
      CHECK(optimizer->steps == steps);
    }
    CHECK(said[0].find("a number is not finite") != std::string::npos);
    CHECK(said[1] == said[0]);
  }
}

TEST_CASE("a draw or a rate that is not the update's is refused, as a graph would freeze it") {
  gpu::LiveNumbers numbers;
  numbers.set({.step = 5, .first_sample = 40, .rate = 0.5F});
  const gpu::LiveNumbers::Scope scope(numbers);
  CHECK(gpu::live_draw(5, 40) == numbers.on_gpu());
  CHECK(error_of([] { gpu::live_draw(4, 40); }).find("a draw of step 4") != std::string::npos);
  CHECK(error_of([] { gpu::live_draw(5, 0); }).find("would freeze it") != std::string::npos);
  CHECK(error_of([] { gpu::live_rate(0.25F); }).find("a rate 0.25") != std::string::npos);
}

TEST_CASE("a run of graphs is the run without them, whether or not it was stopped") {
  const TemporaryFolder folder;
  const TintedPictures data(22, 17, 16, 150, 50);
  const auto run = [&](const char* name, Transfer transfer, bool graph, FitOptions options = {}) {
    Model model = known("mini")();
    model.initialise(Random(3), DType::f32, Device::gpu);
    options.batch = 4;  // five updates an epoch, the last of one image
    options.quiet = true;
    options.checkpoint_steps = 1;
    options.schedule = Schedule::cosine;
    options.transfer = transfer;
    options.cuda_graph = graph;
    const RunFolder out = RunFolder::at(folder / fmt::format("{} {}", name, name_of(transfer)));
    out.make();
    std::vector<std::vector<double>> values;
    const History history =
        fit(model, {data.images, data.labels, data.train, data.validation},
            {{TrainingPhase::transfer, 1e-2, 2}, {TrainingPhase::finetune, 1e-3, 2}}, options, out);
    for (const Epoch& epoch : history)
      values.push_back({epoch.loss, epoch.accuracy, epoch.val_loss, epoch.val_accuracy});
    for (const NamedParameter& p : model.parameters()) values.push_back(p.parameter->value.values());
    return values;
  };
  for (const Transfer transfer : {Transfer::exact, Transfer::cached}) {
    const auto eager = run("eager", transfer, false);
    CHECK((run("graph", transfer, true) == eager));
    if (transfer == Transfer::cached) continue;
    for (const int steps : {4, 13}) {  // begun with graphs, gone on without, and the reverse
      FitOptions until, on;
      int asked = 0;
      until.stop = [&] { return ++asked == steps; };
      on.resume = true;
      CHECK_THROWS_AS(run("stopped", transfer, steps == 4, until), Stopped);
      CHECK((run("stopped", transfer, steps != 4, on) == eager));
      std::filesystem::remove_all(folder / "stopped exact");
    }
  }
  FitOptions clipped;
  clipped.clip_norm = 1;
  CHECK(error_of([&] { run("clipped", Transfer::exact, true, clipped); }).find("clips") != std::string::npos);
}
