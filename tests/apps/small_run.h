#pragma once
#include <cstdint>
#include <map>

#include "tests/apps/program.h"

// Little data, a little model and a finished run of it: what most commands need, made in a second.
namespace program {

struct SmallRun {
  TemporaryFolder folder;
  std::string data = (folder / "data").string();  // 30 phantoms, 10 a class
  std::string run = (folder / "run").string();    // small_training(run, {"--json"})
  std::string best = run + "/best.safetensors";
  Outcome training;

  SmallRun();
  // `sonograd train` of the model mini at 32 pixels, 6 batches an epoch, 2 epochs of the phase scratch.
  Arguments small_training(const std::string& out, const Arguments& more = {}) const;
};

// The one of this test program, made when first asked for.
const SmallRun& small_run();

// Of tests that draw where to disturb a run: another one each time, or SONOGRAD_TEST_SEED to have one again.
std::uint32_t test_seed();

// Batches that the checkpoint of a run has behind it; -1 where there is none yet.
long checkpoint_step(const std::filesystem::path& run);

// The values of a weight file by the tensors' names.
std::map<std::string, std::vector<double>> values_of(const std::filesystem::path& weights);

}  // namespace program
