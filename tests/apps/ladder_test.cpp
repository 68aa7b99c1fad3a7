// `sonograd experiment ladder`: what is learned from labels that mean nothing was leaked.
#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "data/folder.h"
#include "data/png.h"
#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

namespace {

// Learning a training set by heart takes minutes under a sanitizer; there one short run walks the same paths.
#if defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// Phantoms, each with a darker twin.
std::string twins(const TemporaryFolder& folder, const char* count) {
  std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", count, "--size", "48", "--quiet"}));
  for (const sonograd::LabelledFile& sample : sonograd::list_folder(data).samples) {
    const auto file = std::filesystem::path(data) / sample.file;
    sonograd::Image twin = sonograd::read_image(file);
    for (std::uint8_t& value : twin.pixels) value = static_cast<std::uint8_t>(0.85 * value);
    sonograd::write_png(file.parent_path() / ("twin of " + file.filename().string()), twin);
  }
  return data;
}

std::map<std::string, json> rungs(const Arguments& call) {
  return answer_by(call, "rungs", "protocol");
}

}  // namespace

TEST_CASE("with random labels the honest rung scores chance, and the leaky one well above") {
  const TemporaryFolder folder;
  const std::string data = twins(folder, sanitized ? "60" : "150"), out = (folder / "ladder").string();
  const Arguments call{"experiment",
                       "ladder",
                       "--data",
                       data,
                       "--out",
                       out,
                       "--arm",
                       "original",
                       "--model",
                       "mini",
                       "--image-size",
                       sanitized ? "32" : "16",
                       "--epochs",
                       sanitized ? "2" : "30",
                       "--batch",
                       "8",
                       "--random-labels",
                       "--runs",
                       sanitized ? "1" : "3",
                       "--threads",
                       "1",
                       "--quiet",
                       "--json"};
  const Outcome climbed = run(without(call, "--quiet"));
  check_done(climbed);
  CHECK(times("looking for near duplicates", climbed.err) == 1);  // for all runs of all rungs
  const auto found = rungs(call);
  REQUIRE(found.size() == 4);
  if (!sanitized) {
    const auto accuracy = [&](const char* rung) { return found.at(rung).at("accuracy").get<double>(); };
    // An image's twin is tested with it, so half as many draws: chance is a third, give or take three
    // deviations.
    CHECK(found.at("grouped").at("n") == 90);
    const double chance = 1.0 / 3, deviation = std::sqrt(chance * (1 - chance) / 45);
    for (const char* rung : {"twins-apart", "conflicts-out", "grouped"})
      CHECK_MESSAGE(std::abs(accuracy(rung) - chance) < 3 * deviation, rung);
    CHECK(accuracy("derived-first") > chance + 4 * deviation);
    CHECK(found.at("twins-apart").at("change").get<double>() < -3 * deviation);
  }
  CHECK(found.at("conflicts-out").at("n") == found.at("twins-apart").at("n"));  // twins were dealt one label
  for (const char* file : {"report.html", "ladder.csv", "ladder.svg", "summary.json"})
    CHECK_MESSAGE(std::filesystem::exists(std::filesystem::path(out) / file), file);
  CHECK(lines(bytes_of(out + "/ladder.csv")).size() == 5);

  // nothing is computed twice, and the labels are found again where a run is judged afterwards
  const auto runs = contents(std::filesystem::path(out) / "grouped");
  CHECK(rungs(call) == found);
  CHECK(contents(std::filesystem::path(out) / "grouped") == runs);
  const Outcome judged = run({"evaluate", "--run", out + "/derived-first/seed-42", "--quiet", "--json"});
  check_done(judged);
  const json metrics = json::parse(bytes_of(out + "/derived-first/seed-42/metrics.json"));
  CHECK(json::parse(judged.out).at("correct") == metrics.at("correct"));
}

namespace {

// A ladder of one epoch on 36 phantoms without twins, of an arm whose images are more than theirs.
Arguments short_ladder(const std::string& data, const std::string& out, const char* arm,
                       const Arguments& more) {
  return with({"experiment", "ladder", "--data", data, "--out", out, "--arm", arm, "--model", "mini",
               "--epochs", "1", "--image-size", "16", "--target", "32", "--quiet", "--json"},
              more);
}

// A GAN of two steps for each class, its pictures a folder a class in `out`.
void generate(const TemporaryFolder& folder, const std::string& data, const std::string& out,
              const Arguments& more = {}) {
  for (const std::string name : {"benign", "normal", "malignant"}) {
    const std::string gan = (folder / ("gan of " + out) / name).string();
    check_done(run(with({"gan", "train", "--data", data, "--class", name, "--out", gan, "--image-size", "16",
                         "--width", "0.125", "--batch", "4", "--steps", "2", "--quiet"},
                        more)));
    check_done(run({"gan", "sample", "--run", gan, "--count", "40", "--out", (folder / out / name).string(),
                    "--quiet"}));
  }
}

std::string phantoms(const TemporaryFolder& folder) {
  std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", "36", "--size", "32", "--quiet"}));
  return data;
}

}  // namespace

TEST_CASE("the ladder of the augmented arm") {
  const TemporaryFolder folder;
  const std::string data = phantoms(folder);
  const auto found = rungs(short_ladder(data, (folder / "out").string(), "augmented", {}));
  CHECK(found.size() == 5);
  CHECK(found.at("derived-first").at("n") == 11);  // of 36 images and 72 copies
  for (const char* rung : {"split-first", "twins-apart", "conflicts-out", "grouped"})
    CHECK_MESSAGE(found.at(rung).at("n") <= 6, rung);
  const auto table = lines(bytes_of(folder / "out/ladder.csv"));
  CHECK(table.size() == 6);
  CHECK(table[0].rfind("protocol,corrects,correct,n,accuracy,wilson_low,", 0) == 0);
}

TEST_CASE("the ladder of the gan arm, and the lineages that it wants") {
  const TemporaryFolder folder;
  const std::string data = phantoms(folder), split = (folder / "split.json").string(),
                    all = (folder / "all").string(), apart = (folder / "apart").string(),
                    out = (folder / "out").string();
  check_done(run({"data", "split", data, "--out", split, "--quiet"}));
  generate(folder, data, "all");
  generate(folder, data, "apart", {"--split", split});
  const auto ladder = [&](const std::string& first, const std::string& last) {
    return short_ladder(data, out, "gan",
                        {"--target", "52", "--generated", first, "--generated-apart", last});
  };
  check_refused(run(ladder(all, all)), 1, {"--generated-apart", all, "saw all 12 images of class benign"});
  check_refused(run(ladder(apart, apart)), 1, {"--generated " + apart, "of the 12 images of class benign"});
  CHECK_FALSE(std::filesystem::exists(out));

  const auto found = rungs(ladder(all, apart));
  CHECK(found.size() == 6);
  CHECK(found.at("derived-first").at("n") == 16);  // of 36 images and 120 generated ones
  CHECK(found.at("grouped").at("n") <= 6);
  for (const char* rung : {"validation-apart", "grouped"}) {
    const json parts = json::parse(bytes_of(std::filesystem::path(out) / rung / "seed-42/split.json"));
    for (const char* held_out : {"validation", "test"})
      for (const json& image : parts.at(held_out)) CHECK_FALSE(image.contains("generated"));
    CHECK(parts.at("generators").size() == 3);
  }
}

TEST_CASE("the ladder takes what train takes") {
  const TemporaryFolder folder;
  const std::string data = phantoms(folder), out = (folder / "out").string(),
                    weights = (folder / "mini.safetensors").string();
  check_done(run({"init", "--model", "mini", "--image-size", "16", "--out", weights}));
  const Arguments call =
      short_ladder(data, out, "original", {"--weights", weights, "--lr", "1e-2,1e-3", "--dtype", "bf16"});
  CHECK(rungs(call).size() == 4);
  const json manifest = json::parse(bytes_of(out + "/grouped/seed-42/manifest.json"));
  CHECK(manifest.at("flags").at("dtype") == "bf16");
  CHECK(manifest.at("flags").at("norm-momentum") == "the layers' own");
  const auto epochs = lines(bytes_of(out + "/grouped/seed-42/history.csv"));
  REQUIRE(epochs.size() == 3);
  CHECK(epochs[1].rfind("transfer,", 0) == 0);
  CHECK(epochs[2].rfind("finetune,", 0) == 0);
  check_refused(run(with(call, {"--patience", "3"})), 1, {out, "another patience (25, not 3)"});
}

TEST_CASE("the ladder refuses in one line what it cannot climb") {
  const TemporaryFolder folder;
  const std::string out = (folder / "ladder").string();
  const auto ladder = [&](const Arguments& more) {
    return run(with({"experiment", "ladder", "--data", folder.path.string(), "--out", out}, more));
  };
  check_refused(ladder({"--arm", "gan"}), 2, {"--generated"});
  check_refused(ladder({"--generated-apart", "pictures"}), 2, {"--arm gan"});
  check_refused(ladder({"--arm", "gan", "--generated", "a", "--generated-apart", "b", "--runs", "2"}), 2,
                {"--runs", "one split"});
  check_refused(ladder({"--model", "resnet"}), 2, {"resnet"});
  CHECK_FALSE(std::filesystem::exists(out));
}
