#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "models/zoo.h"
#include "tests/temporary_folder.h"
#include "tests/tinted_pictures.h"
#include "train/checkpoint.h"
#include "train/fit.h"

using namespace sonograd;

TEST_CASE("between updates of several batches a checkpoint is written at the first that comes late enough") {
  const TemporaryFolder folder;
  const TintedPictures data(16, 12, 16, 200, 20);
  Model model = make_model({.name = "mini", .image_size = 16});
  model.initialise(Random(3), DType::f32, Device::cpu);
  const RunFolder run = RunFolder::create(folder / "run");
  std::set<Int> saved;  // batches behind the checkpoint that lies there at each update
  FitOptions options{.batch = 1, .accumulate = 2, .checkpoint_steps = 3, .quiet = true};
  options.stop = [&] {
    const auto state = nlohmann::json::parse(read_checkpoint(run.checkpoint()).facts.at("state"));
    saved.insert(state.at("step").get<Int>());
    return false;
  };
  fit(model, {data.images, data.labels, data.train, data.validation}, {{TrainingPhase::scratch, 1e-3, 2}},
      options, run);
  CHECK(saved == std::set<Int>{0, 4, 8, 12, 16, 20, 24});
}
