// The paper's two other data sets, by hand: a split, a GAN for each class on its training images, its
// pictures, and a model trained with them; and one trained with turned copies.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json split_of(const fs::path& run) {
  return json::parse(bytes_of(run / "split.json"));
}

long derived(const json& part, const char* how) {
  return std::count_if(part.begin(), part.end(), [&](const json& image) { return image.contains(how); });
}

void check_holds(const fs::path& run) {
  const Outcome outcome =
      program::run({"data", "verify", (run / "split.json").string(), "--data", small_run().data, "--json"});
  check_done(outcome);
  CHECK(json::parse(outcome.out).at("holds") == true);
}

// 10 images a class, of which 8 train.
Arguments training(const fs::path& run, const Arguments& more) {
  return small_run().small_training(run.string(), with({"--epochs", "1", "--json"}, more));
}

}  // namespace

TEST_CASE("a model trained with the pictures of GANs that saw the split's training images alone") {
  const TemporaryFolder folder;
  const std::string split = (folder / "split.json").string();
  const fs::path generated = folder / "generated";
  check_done(program::run({"data", "split", small_run().data, "--seed", "7", "--out", split}));
  for (const std::string name : {"benign", "normal", "malignant"}) {
    const std::string gan = (folder / ("gan-" + name)).string();
    check_done(program::run({"gan", "train", "--data", small_run().data, "--class", name, "--split", split,
                             "--out", gan, "--image-size", "32", "--width", "0.125", "--batch", "4",
                             "--steps", "3", "--quiet"}));
    check_done(
        program::run({"gan", "sample", "--run", gan, "--count", "40", "--out", (generated / name).string()}));
  }
  const fs::path run = folder / "run";
  const Arguments gan_arm{"--arm", "gan", "--generated", generated.string(), "--target", "50"};
  check_done(program::run(training(run, gan_arm)));
  const json parts = split_of(run);
  CHECK(parts.at("train").size() == 24 + 3 * 40);
  CHECK(derived(parts.at("train"), "generated") == 3 * 40);
  CHECK(derived(parts.at("validation"), "generated") + derived(parts.at("test"), "generated") == 0);
  CHECK(parts.at("test") == json::parse(bytes_of(split)).at("test"));
  check_holds(run);

  const fs::path refused = folder / "refused";
  const auto refuse = [&](const Arguments& more, int status, const Arguments& words) {
    check_refused(program::run(training(refused, with(gan_arm, more))), status, words);
    CHECK_FALSE(fs::exists(refused));
  };
  refuse({"--seed", "8"}, 1, {"images that this GAN saw do not train in this split", "gan train --split"});
  refuse({"--target", "1350"}, 1, {"40 images where 1360 are wanted", "--target"});
  refuse({"--target", "12"}, 2, {"adds nothing", "--target 12"});
}

TEST_CASE("a model trained with turned copies of the training images") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  check_done(program::run(training(run, {"--arm", "augmented", "--target", "40"})));
  const json parts = split_of(run);
  CHECK(parts.at("train").size() == 24 + 24 * 4);
  CHECK(derived(parts.at("train"), "augmented") == 24 * 4);
  CHECK(derived(parts.at("validation"), "augmented") + derived(parts.at("test"), "augmented") == 0);
  check_holds(run);
}
