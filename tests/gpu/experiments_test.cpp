// The demo and the experiments as programs on the gpu beside the cpu.
#include <cstdlib>

#include "tests/apps/small_run.h"
#include "tests/gpu/beside_cpu.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

const Arguments mini{"--model",  "mini", "--image-size", "16", "--batch", "8",
                     "--epochs", "1",    "--threads",    "1"};

// Trains on each device in a folder of its own; every run that is made must learn the same. Adam divides by
// the gradients' size, so a gradient that is zero but for rounding moves its weight by the rate: losses agree
// better than weights do.
json check_runs(const Arguments& call, const std::vector<std::string>& runs) {
  const TemporaryFolder folder;
  json found;
  for (const char* device : {"cpu", "gpu"})
    found =
        answer(with(call, {"--out", (folder / device).string(), "--device", device, "--quiet", "--json"}));
  for (const std::string& run : runs) {
    CAPTURE(run);
    const fs::path ours = folder / "gpu" / run, theirs = folder / "cpu" / run;
    check_tables(ours / "history.csv", theirs / "history.csv", 1e-3);
    const json manifest = json::parse(bytes_of(ours / "manifest.json"));
    CHECK(manifest.at("device").get<std::string>().rfind("gpu: ", 0) == 0);
    CHECK(manifest.at("split_hash") == json::parse(bytes_of(theirs / "manifest.json")).at("split_hash"));
  }
  return found;
}

}  // namespace

TEST_CASE("the demo on the gpu learns what it learns on the cpu") {
  check_runs(with({"demo", "--phantoms", "30"}, mini), {""});
}

TEST_CASE("folds and ladder on the gpu learn what they learn on the cpu") {
  const json folds =
      check_runs(with({"experiment", "folds", "--data", small_run().data, "--folds", "3"}, mini),
                 {"seed-42/fold-1", "seed-42/fold-2", "seed-42/fold-3"});
  CHECK(folds.at("n") == 30);
  const json ladder = check_runs(
      with({"experiment", "ladder", "--data", small_run().data, "--arm", "augmented", "--target", "12"},
           mini),
      {"derived-first/seed-42", "split-first/seed-42", "grouped/seed-42"});
  CHECK(ladder.at("rungs").size() == 5);
}

// Its pictures, rounded to levels, are not the cpu's to the last one, so neither is what a model learns from
// them.
TEST_CASE("an experiment's GANs and rows run on the gpu") {
  if (!std::getenv("SONOGRAD_FULL")) return;  // EfficientNetB0 on the stand-in takes a minute
  const TemporaryFolder folder;
  const json found = answer({"experiment", "table3", "--data", small_run().data, "--profile", "smoke",
                             "--models", "aeganb3", "--image-size", "32", "--gan-steps", "1", "--out",
                             (folder / "gpu").string(), "--device", "gpu", "--quiet", "--json"});
  CHECK(found.at("gans").size() == 3);
  const json manifest = json::parse(bytes_of(folder / "gpu" / "rows/gan/aeganb3/manifest.json"));
  CHECK(manifest.at("device").get<std::string>().rfind("gpu: ", 0) == 0);
}
