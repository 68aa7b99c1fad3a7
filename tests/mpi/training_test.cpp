// Several processes train as one with the whole batch does; run by mpirun.
#include <doctest/doctest.h>

#include "tests/error_of.h"
#include "tests/mpi/group.h"
#include "tests/mpi/shared_run.h"
#include "train/step.h"

using namespace sonograd;

namespace {

std::vector<Case> cases() {
  using enum TrainingPhase;
  constexpr auto sgd = OptimizerKind::sgd;
  return {
      {"everything, with dropout, class weights and augmentation",
       {{scratch, 1e-2, 2}},
       {.class_weights = {1, 2, 0.5},
        .optimizer = sgd,
        .augmentation = {.jitter = true},
        .norm_momentum = 0.9}},
      {"two phases, accumulated, clipped, Keras 2's moving variance",
       {{scratch, 1e-2, 1}, {finetune, 1e-3, 1}},
       {.clip_norm = 0.5, .accumulate = 2, .optimizer = sgd, .momentum = 0.9},
       Keras::v2},
      {"the head alone, on features computed once",
       {{transfer, 1e-2, 2}},
       {.optimizer = sgd, .transfer = Transfer::cached}},
      {"everything, by Adam", {{scratch, 1e-3, 2}}},
  };
}

}  // namespace

TEST_CASE("with synchronised norms the run is one process's: f64 to 1e-12, f32 to 1e-5") {
  Group& group = test_group();
  for (const Case& run : cases()) {
    CAPTURE(run.name);
    for (const auto& [dtype, device, bound] :
         {std::tuple{DType::f64, Device::reference, 1e-12}, std::tuple{DType::f32, Device::cpu, 1e-5}}) {
      const SharedRun shared = train(run, dtype, device, group, true);
      check_same_in_all(shared);
      if (!group.leads()) continue;
      const SharedRun alone = train(run, dtype, device, one_process(), true);
      const double losses = losses_apart(shared.history, alone.history),
                   values = values_apart(shared.values, alone.values);
      MESSAGE(run.name << ", " << std::string(name_of(dtype)) << ": losses " << losses << ", weights "
                       << values);
      CHECK(losses <= bound);
      // In f32 Adam makes steps of the learning rate's size of gradients that are zero but for rounding.
      if (dtype == DType::f64 || run.options.optimizer == OptimizerKind::sgd) CHECK(values <= bound);
      for (std::size_t e = 0; e < shared.history.size(); ++e) {
        CHECK(shared.history[e].accuracy == alone.history[e].accuracy);
        CHECK(shared.history[e].val_accuracy == alone.history[e].val_accuracy);
      }
    }
  }
}

TEST_CASE("frozen norms need no synchronising; norms that train do, else the curve is another") {
  Group& group = test_group();
  const Case frozen{"", {{TrainingPhase::finetune, 1e-2, 1}}},
      trained{"", {{TrainingPhase::scratch, 1e-2, 1}}};
  const SharedRun together[] = {train(frozen, DType::f64, Device::reference, group, false),
                                train(trained, DType::f64, Device::reference, group, false)};
  if (!group.leads()) return;
  const auto off_by = [](const Case& run, const SharedRun& shared) {
    return losses_apart(shared.history,
                        train(run, DType::f64, Device::reference, one_process(), false).history);
  };
  CHECK(off_by(frozen, together[0]) <= 1e-12);
  CHECK(off_by(trained, together[1]) > 1e-3);
}

TEST_CASE("norms that are not synchronised move the averages by the mean of all, each by its share") {
  Group& group = test_group();
  static const Data data;
  Model model = make_model({.name = "mini", .image_size = 16});
  model.initialise(Random(3), DType::f64, Device::reference);
  freeze_for(model, TrainingPhase::scratch);
  Loader loader(data.images, data.labels, data.train, {.batch = 5, .share = {group.rank(), group.size()}});
  loader.start(0, 2);  // of 3 pictures
  const Batch batch = loader.next();
  const double share = static_cast<double>(batch.counted) / 3;
  const auto together = gradients_of(model, batch, {.group = &group}).updates;
  const auto own = gradients_of(model, batch, {}).updates;
  REQUIRE(together.size() > 10);
  for (std::size_t i = 0; i < own.size(); ++i) {
    std::vector<double> part = own[i].batch.values();
    for (double& value : part) value *= share;
    const std::vector<double> mean = sum_over(group, part), got = together[i].batch.values();
    for (std::size_t c = 0; c < mean.size(); ++c) CHECK(apart(got[c], mean[c]) <= 1e-14);
  }
}

TEST_CASE("a run of several processes repeats bit for bit, recomputed or not") {
  Group& group = test_group();
  const Case run = cases()[0];
  const SharedRun once = train(run, DType::f32, Device::cpu, group, true);
  CHECK((train(run, DType::f32, Device::cpu, group, true).values == once.values));
  CHECK((train(run, DType::f32, Device::cpu, group, true, true).values == once.values));
}

// Images of the third class overflow first, of which not every process has one in each batch. Bound: what
// f32's order of sums moves is rounded to 11 bits.
TEST_CASE("in f16 all processes skip an update together, and train as one does") {
  Group& group = test_group();
  const Case run{"",
                 {{TrainingPhase::scratch, 1e-3, 3}},
                 {.class_weights = {1, 1, 4}, .optimizer = OptimizerKind::sgd, .precision = Precision::f16}};
  const SharedRun shared = train(run, DType::f32, Device::cpu, group, true);
  check_same_in_all(shared);
  CHECK(shared.scale.skipped > 0);
  CHECK(shared.scale.skipped < 9);
  if (!group.leads()) return;
  const SharedRun alone = train(run, DType::f32, Device::cpu, one_process(), true);
  CHECK(shared.scale.skipped == alone.scale.skipped);
  CHECK(shared.scale.value == alone.scale.value);
  CHECK(losses_apart(shared.history, alone.history) <= 1e-2);
}

TEST_CASE("a number that is not finite on one process is named alike by all") {
  Group& group = test_group();
  Model model = make_model({.name = "mini", .image_size = 16});
  model.initialise(Random(3), DType::f32, Device::cpu);
  freeze_for(model, TrainingPhase::scratch);
  for (const bool sync : {false, true}) {
    CAPTURE(sync);
    Batch batch{Tensor::filled({1, 16, 16, 3}, 9), {0}, {0}};
    batch.first = group.rank();
    batch.counted = 1;
    batch.whole = group.size();
    if (group.rank() == group.size() - 1) batch.images.fill(INFINITY);
    const std::string error =
        error_of([&] { gradients_of(model, batch, {.group = &group, .sync_batch_norm = sync}); });
    CAPTURE(error);
    CHECK(error.find("update 1: a number is not finite; the first came from multiply;") == 0);
  }
}
