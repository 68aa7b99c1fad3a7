// Several processes, each on a GPU, train as one with the whole batch does; run by mpirun.
#include <doctest/doctest.h>

#include "base/file.h"
#include "tests/mpi/group.h"
#include "tests/mpi/shared_run.h"
#include "train/checkpoint.h"

using namespace sonograd;

// The last batch of 3 images leaves one of four processes without any.
TEST_CASE("with synchronised norms the run is one process's: f32 to 1e-5") {
  Group& group = test_group();
  using enum TrainingPhase;
  const Case cases[] = {
      {"everything, with dropout, class weights and augmentation",
       {{scratch, 1e-2, 1}},
       {.class_weights = {1, 2, 0.5},
        .optimizer = OptimizerKind::sgd,
        .augmentation = {.jitter = true},
        .norm_momentum = 0.9}},
      {"the head alone, on features computed once, accumulated and clipped",
       {{transfer, 1e-2, 1}},
       {.clip_norm = 0.5, .accumulate = 2, .optimizer = OptimizerKind::sgd, .transfer = Transfer::cached}}};
  for (const Case& run : cases) {
    CAPTURE(run.name);
    const SharedRun shared = train(run, DType::f32, Device::gpu, group, true);
    check_same_in_all(shared);
    if (!group.leads()) continue;
    const SharedRun alone = train(run, DType::f32, Device::gpu, one_process(), true);
    const double losses = losses_apart(shared.history, alone.history),
                 values = values_apart(shared.values, alone.values);
    MESSAGE(run.name << ": losses " << losses << ", weights " << values);
    CHECK(losses <= 1e-5);
    CHECK(values <= 1e-5);
    for (std::size_t e = 0; e < shared.history.size(); ++e)
      CHECK(shared.history[e].val_accuracy == alone.history[e].val_accuracy);
  }
}

TEST_CASE("a run repeats bit for bit; recomputed it is near; without synchronised norms it is another") {
  Group& group = test_group();
  const Case run{"", {{TrainingPhase::scratch, 1e-2, 1}}, {.optimizer = OptimizerKind::sgd}};
  const SharedRun once = train(run, DType::f32, Device::gpu, group, true);
  CHECK((train(run, DType::f32, Device::gpu, group, true).values == once.values));
  // Its gradients come in another order, and so lie elsewhere in their buckets.
  CHECK(values_apart(train(run, DType::f32, Device::gpu, group, true, true).values, once.values) <= 1e-5);
  CHECK(losses_apart(train(run, DType::f32, Device::gpu, group, false).history, once.history) > 1e-3);
}

// Without synchronised norms the moving averages too are sums over the processes.
TEST_CASE("a run that is stopped goes on to the bits of one that was not; none stops before all is saved") {
  Group& group = test_group();
  const Case whole{"", {{TrainingPhase::scratch, 1e-2, 2}}, {.augmentation = {.jitter = true}}};
  const SharedRun once = train(whole, DType::f32, Device::gpu, group, false);
  for (const int steps : {2, 3}) {  // within an epoch of 3, and at its end
    CAPTURE(steps);
    const TemporaryFolder own;
    const RunFolder folder = shared_folder(own, group);
    Case until = whole, on = whole;
    int asked = 0;
    until.options.stop = [&] { return ++asked == steps && group.rank() == group.size() - 1; };
    CHECK_THROWS_AS(train_in(folder, until, DType::f32, Device::gpu, group, false), Stopped);
    const std::string saved = read_file(folder.checkpoint());
    group.barrier();
    CHECK((saved == read_file(folder.checkpoint())));
    on.options.resume = true;
    const SharedRun resumed = train_in(folder, on, DType::f32, Device::gpu, group, false);
    CHECK((resumed.values == once.values));
    CHECK(losses_apart(resumed.history, once.history) == 0);
  }
}
