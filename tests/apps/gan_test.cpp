// `sonograd gan`: what a run leaves behind, kills and resumption, sampling, and what is refused.
#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <thread>

#include "data/decode.h"
#include "data/phantom.h"
#include "data/png.h"
#include "data/sha256.h"
#include "report/table.h"
#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr int killed = 128 + 9;
constexpr long all_steps = 12;

// A narrow GAN on 10 phantoms, 12 steps, with everything that has a state switched on.
Arguments gan_training(const fs::path& out, const Arguments& more = {}) {
  return with({"gan",
               "train",
               "--data",
               small_run().data,
               "--class",
               "benign",
               "--out",
               out.string(),
               "--image-size",
               "16",
               "--width",
               "0.125",
               "--batch",
               "4",
               "--steps",
               std::to_string(all_steps),
               "--display-steps",
               "4",
               "--checkpoint-steps",
               "2",
               "--ema",
               "0.9",
               "--spectral-norm",
               "--augment-policy",
               "color,translation,cutout",
               "--seed",
               "7",
               "--quiet",
               "--threads",
               "1"},
              more);
}

// The run's files, less times of day and durations.
std::map<std::string, std::string> results(const fs::path& run) {
  std::map<std::string, std::string> left;
  for (auto& [name, bytes] : contents(run)) {
    if (name == "history.csv") {
      std::string text;
      for (const std::string& line : lines(bytes)) text += line.substr(0, line.rfind(',')) + "\n";
      bytes = text;
    }
    if (name == "metrics.json" || name == "manifest.json") {
      json facts = json::parse(bytes);
      for (const char* key : {"command", "started", "finished", "seconds", "resumed"}) facts.erase(key);
      bytes = facts.dump();
    }
    left[name] = bytes;
  }
  return left;
}

const fs::path& undisturbed() {
  static const fs::path run = [] {
    fs::path folder = small_run().folder / "gan";
    check_done(program::run(gan_training(folder)));
    return folder;
  }();
  return run;
}

void check_same(const fs::path& run) {
  const auto expected = results(undisturbed()), found = results(run);
  CHECK(found.size() == expected.size());
  for (const auto& file : expected) {
    CAPTURE(file.first);
    REQUIRE(found.count(file.first) == 1);
    CHECK((found.at(file.first) == file.second));
  }
}

}  // namespace

TEST_CASE("what a GAN's run leaves behind") {
  const fs::path& run = undisturbed();
  for (const char* name :
       {"manifest.json", "lineage.json", "generator.safetensors", "discriminator.safetensors",
        "interpolation.png", "figures/loss.svg", "figures/accuracy.svg", "figures/similarity.svg",
        "samples/step_000004.png", "samples/step_000008.png", "samples/step_000012.png"})
    CHECK(fs::exists(run / name));
  CHECK_FALSE(fs::exists(run / "checkpoint.safetensors"));
  const auto history = lines(bytes_of(run / "history.csv"));
  CHECK(history.size() == 1 + all_steps);
  CHECK(history[0] ==
        "step,d_loss_real,d_loss_fake,g_loss,d_accuracy_real,d_accuracy_fake,d_gradient_norm,"
        "g_gradient_norm,similarity,seconds");
  const json manifest = json::parse(bytes_of(run / "manifest.json"));
  CHECK(manifest["seed"] == 7);
  CHECK(manifest["flags"]["augment-policy"] == "color,translation,cutout");
  CHECK(manifest["classes"][0]["train"] == 10);
  CHECK(manifest["finished"] != "");
  const json lineage = json::parse(bytes_of(run / "lineage.json"));
  CHECK(lineage["ancestors"].size() == 10);
  for (const json& file : lineage["ancestors"])
    CHECK(file["sha256"] ==
          sonograd::sha256(bytes_of(fs::path(small_run().data) / file["file"].get<std::string>())));
}

TEST_CASE("a GAN that was killed goes on to the same bits") {
  const std::uint32_t seed = test_seed();
  CAPTURE(seed);
  std::mt19937 random{seed};
  for (int i = 0; i < (std::getenv("SONOGRAD_FULL") != nullptr ? 10 : 2); ++i) {
    const long step = std::uniform_int_distribution<long>(2, all_steps / 2)(random);
    const int pause = std::uniform_int_distribution<int>(0, 10)(random);
    CAPTURE(step);
    CAPTURE(pause);
    const fs::path run = small_run().folder / ("gan-killed-" + std::to_string(i));
    const Outcome outcome = program::run(gan_training(run), {.kill_when = [&] {
                                           if (checkpoint_step(run) < step) return false;
                                           std::this_thread::sleep_for(std::chrono::milliseconds(pause));
                                           return true;
                                         }});
    CHECK(outcome.status == killed);
    check_done(program::run(gan_training(run, {"--resume"})));
    check_same(run);
  }
}

TEST_CASE("a GAN that was told to stop ends between two steps and goes on to the same bits") {
  const fs::path run = small_run().folder / "gan-stopped";
  const Outcome outcome = program::run(
      gan_training(run), {.kill_when = [&] { return checkpoint_step(run) >= 4; }, .signal = SIGTERM});
  check_refused(outcome, 128 + SIGTERM, {"stopped at step ", "; go on with --resume"});
  check_done(program::run(gan_training(run, {"--resume"})));
  check_same(run);
}

TEST_CASE("a GAN's run goes on with the settings that it began with, or not at all") {
  const fs::path run = small_run().folder / "gan-settings";
  const auto half = [&] { return checkpoint_step(run) >= 4; };
  CHECK(program::run(gan_training(run), {.kill_when = half}).status == killed);
  const auto before = contents(run);
  const auto refused = [&](const Arguments& flags, const Arguments& words) {
    check_refused(program::run(gan_training(run, with({"--resume"}, flags))), 1, with(words, {run.string()}));
    CHECK((contents(run) == before));
  };
  refused({"--seed", "8"}, {"seed 8", "seed 7"});
  refused({"--class", "normal"}, {"class normal", "class benign"});
  refused({"--tensorflow", "2"}, {"tensorflow 2", "tensorflow 1"});
  refused({"--ema", "0.5"}, {"average 0.5", "average 0.9"});
  check_refused(program::run(gan_training(run)), 1, {run.string(), "resume it"});
  fs::remove(run / "history.csv");
  check_refused(program::run(gan_training(run, {"--resume"})), 1, {"history.csv"});
}

TEST_CASE("a finished GAN is not trained again") {
  const fs::path& run = undisturbed();
  const auto before = contents(run);
  check_refused(program::run(gan_training(run)), 1, {run.string(), "finished run"});
  const Outcome again = program::run(gan_training(run, {"--resume", "--json"}));
  check_done(again);
  CHECK(json::parse(again.out)["steps"] == all_steps);
  check_refused(program::run(gan_training(run, {"--resume", "--seed", "8"})), 1, {"seed 8", "seed 7"});
  CHECK((contents(run) == before));
}

TEST_CASE("samples of a GAN, and where they come from") {
  const fs::path& run = undisturbed();
  const auto sample = [&](const std::string& name, const std::string& count, const std::string& seed) {
    fs::path out = small_run().folder / name;
    check_done(program::run(
        {"gan", "sample", "--run", run.string(), "--count", count, "--seed", seed, "--out", out.string()}));
    return out;
  };
  const fs::path many = sample("samples-many", "18", "7"), few = sample("samples-few", "3", "7"),
                 other = sample("samples-other", "3", "8");
  CHECK(contents(many).size() == 19);
  for (const char* name : {"gen_0.png", "gen_1.png", "gen_2.png"}) {
    CHECK((bytes_of(many / name) == bytes_of(few / name)));  // however many are asked for
    CHECK((bytes_of(other / name) != bytes_of(few / name)));
  }
  CHECK(bytes_of(few / "gen_0.png")[25] == 6);  // PNG's colour type: RGB with alpha, as the notebook's
  const sonograd::Image image = sonograd::read_image(few / "gen_0.png");
  CHECK(image.height == 16);
  CHECK(image.width == 16);
  const json lineage = json::parse(bytes_of(many / "lineage.json"));
  CHECK(lineage["class"] == "benign");
  CHECK(lineage["seed"] == 7);
  CHECK(lineage["run"] == run.string());
  CHECK(lineage["generator_sha256"] == sonograd::sha256(bytes_of(run / "generator.safetensors")));
  CHECK(lineage["ancestors"] == json::parse(bytes_of(run / "lineage.json"))["ancestors"]);
  CHECK(lineage["images"].size() == 18);
  CHECK(lineage["images"][17] == json{{"file", "gen_17.png"},
                                      {"index", 17},
                                      {"sha256", sonograd::sha256(bytes_of(many / "gen_17.png"))}});
  check_refused(program::run({"gan", "sample", "--run", run.string(), "--count", "1", "--out", few.string()}),
                1, {few.string(), "lineage.json", "empty folder"});
}

TEST_CASE("what a GAN refuses") {
  const fs::path run = small_run().folder / "gan-refused";
  const auto refused = [&](const Arguments& flags, int status, const Arguments& words) {
    check_refused(program::run(gan_training(run, flags)), status, words);
    CHECK_FALSE(fs::exists(run));
  };
  refused({"--class", "cyst"}, 1, {"no class cyst", "benign, normal, malignant"});
  refused({"--class", "bening"}, 1, {"did you mean benign?"});
  refused({"--width", "5"}, 2, {"--width 5"});
  refused({"--ema", "1.5"}, 2, {"--ema", "0 to 1"});
  refused({"--image-size", "40"}, 2, {"40", "multiple of 16", "32 or 48"});
  refused({"--batch", "1"}, 2, {"--batch"});
  refused({"--data", "/nowhere"}, 1, {"/nowhere"});
  refused({"--augment-policy", "blur"}, 2, {"blur"});
  const fs::path lonely = small_run().folder / "lonely";
  for (const char* name : {"benign", "normal"}) {
    fs::create_directories(lonely / name);
    fs::copy_file(fs::path(small_run().data) / "benign" / "benign (1).png", lonely / name / "one.png");
  }
  refused({"--data", lonely.string()}, 1, {lonely.string(), "1 of class benign"});
  check_refused(program::run(gan_training("/proc/nowhere")), 1, {"/proc/nowhere"});
  check_refused(program::run({"gan", "sample", "--run", "/nowhere", "--count", "1", "--out", run.string()}),
                1, {"/nowhere"});
}

TEST_CASE("what is no GAN's, and what is a GAN's, is told where the other is wanted") {
  const std::string gan = undisturbed().string(), generator = gan + "/generator.safetensors",
                    image = small_run().data + "/benign/benign (1).png",
                    out = (small_run().folder / "gan-other").string();
  const Arguments no_gan{small_run().run + " is a run of `train` with model mini, no GAN"},
      no_classifier{gan + " is a run of `gan train`", "give a run of `train`"};
  check_refused(program::run({"gan", "sample", "--run", small_run().run, "--count", "1", "--out", out}), 1,
                no_gan);
  check_refused(program::run({"gan", "audit", "--run", small_run().run, "--data", small_run().data}), 1,
                no_gan);
  check_refused(program::run(gan_training(small_run().run, {"--resume"})), 1, no_gan);
  check_refused(program::run({"evaluate", "--run", gan}), 1, no_classifier);
  check_refused(program::run(small_run().small_training(gan, {"--resume"})), 1, no_classifier);
  for (const Arguments& command :
       {Arguments{"predict", image}, Arguments{"explain", "--out", out, image},
        Arguments{"evaluate", "--data", small_run().data}, Arguments{"loss", "--data", small_run().data},
        small_run().small_training(out)})
    check_refused(program::run(with(command, {"--weights", generator})), 1,
                  {generator + " holds a \"generator\", which is no classifier"});
  check_refused(program::run({"weights", "convert", generator, out + ".h5", "--model", "mini"}), 1,
                {generator + " holds a \"generator\", which is no classifier"});
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("a GAN whose numbers run away stops at that step") {
  const fs::path run = small_run().folder / "gan-runaway";
  check_refused(program::run(gan_training(run, {"--lr", "1e30"})), 1,
                {"step ", "not a finite number", "smaller learning rate"});
  CHECK_FALSE(fs::exists(run / "metrics.json"));
}

TEST_CASE("a GAN sees the training images of a split alone") {
  const fs::path split = small_run().folder / "split.json", run = small_run().folder / "gan-split";
  check_done(program::run({"data", "split", small_run().data, "--out", split.string(), "--quiet"}));
  check_done(program::run(gan_training(run, {"--split", split.string(), "--steps", "1"})));
  std::vector<std::string> expected, found;
  const json parts = json::parse(bytes_of(split)), lineage = json::parse(bytes_of(run / "lineage.json"));
  for (const json& file : parts["train"])
    if (file["class"] == "benign") expected.push_back(file["sha256"]);
  for (const json& file : lineage["ancestors"]) found.push_back(file["sha256"]);
  CHECK(found.size() > 0);
  CHECK(found == expected);
  CHECK(found.size() < 10);
}

TEST_CASE("a GAN whose pictures look more alike than the real ones is warned of") {
  // A picture and its negative are as unlike as can be, so that what an untrained generator draws is more
  // alike.
  const fs::path data = small_run().folder / "opposites", run = small_run().folder / "gan-collapsed";
  for (const char* name : {"benign", "normal"}) fs::create_directories(data / name);
  sonograd::Image picture = sonograd::make_phantom(0, 0, 1, 16).image;
  sonograd::write_png(data / "benign/picture.png", picture);
  sonograd::write_png(data / "normal/picture.png", picture);
  for (std::uint8_t& value : picture.pixels) value = static_cast<std::uint8_t>(255 - value);
  sonograd::write_png(data / "benign/negative.png", picture);
  const Outcome outcome = program::run({"gan",
                                        "train",
                                        "--data",
                                        data.string(),
                                        "--class",
                                        "benign",
                                        "--out",
                                        run.string(),
                                        "--image-size",
                                        "16",
                                        "--width",
                                        "0.05",
                                        "--batch",
                                        "4",
                                        "--steps",
                                        "4",
                                        "--display-steps",
                                        "2",
                                        "--lr",
                                        "1e-9",
                                        "--threads",
                                        "1"});
  check_done(outcome);
  CHECK(outcome.err.find("warning: step 4: generated pictures look alike") != std::string::npos);
  CHECK(outcome.out.find("may have collapsed") != std::string::npos);
  const json metrics = json::parse(bytes_of(run / "metrics.json"));
  CHECK(metrics["collapsed"] == true);
  CHECK(metrics["real_similarity"].get<double>() < -0.9);
  CHECK(metrics["similarity"].get<double>() > metrics["collapse_bound"].get<double>());
  CHECK(json::parse(bytes_of(undisturbed() / "metrics.json"))["collapsed"] == false);
}

TEST_CASE("the audit of a GAN") {
  const fs::path out = small_run().folder / "audit";
  const Arguments audit{"gan",    "audit",          "--run",     undisturbed().string(),
                        "--data", small_run().data, "--threads", "1",
                        "--json", "--out",          out.string()};
  const Outcome pixels = program::run(audit);
  check_done(pixels);
  const json found = json::parse(pixels.out);
  CHECK(found == json::parse(bytes_of(out / "audit.json")));
  CHECK(found["features"] == "pixels, RGB at 32 x 32 at most");
  CHECK(found["trained"]["real"] == 10);
  CHECK(found["trained"]["kid"].get<double>() > 0);
  CHECK(found["held_out"].is_null());
  CHECK(found["generated"] == 16);
  CHECK(found["memorisation"]["copied_held_out"].is_null());
  CHECK(found["memorisation"]["excess"].is_null());
  REQUIRE(found["nearest"].size() == 16);
  double sum = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    CHECK(found["nearest"][i]["sample"] == i);
    CHECK(fs::exists(fs::path(small_run().data) / found["nearest"][i]["file"].get<std::string>()));
    sum += found["nearest"][i]["distance"].get<double>();
  }
  CHECK(sum > 0);
  CHECK(sonograd::read_image(out / "nearest.png").width == 8 * 18 - 2);
  const Outcome features = program::run(with(audit, {"--features", small_run().best}));
  check_done(features);
  CHECK(json::parse(features.out)["features"] == "dense of mini (best.safetensors) at 32 x 32");
  const std::string other = (small_run().folder / "other").string();
  check_done(
      program::run({"data", "phantom", other, "--count", "30", "--size", "48", "--seed", "5", "--quiet"}));
  check_refused(program::run(with(audit, {"--data", other})), 1, {other, "10 of the 10 pictures", "benign"});
}

TEST_CASE("the audit parts the pictures that a GAN never saw from those that trained it") {
  const fs::path split = small_run().folder / "half.json", run = small_run().folder / "gan-half";
  const std::string more = (small_run().folder / "more").string();
  check_done(program::run({"data", "phantom", more, "--count", "300", "--size", "32", "--quiet"}));
  check_done(program::run({"data", "split", more, "--out", split.string(), "--quiet"}));
  check_done(program::run(gan_training(run, {"--data", more, "--split", split.string(), "--steps", "1"})));
  const Outcome outcome =
      program::run({"gan", "audit", "--run", run.string(), "--data", more, "--threads", "1", "--json"});
  check_done(outcome);
  const json found = json::parse(outcome.out);
  CHECK(found["trained"]["real"].get<int>() + found["held_out"]["real"].get<int>() == 100);
  CHECK(found["held_out"]["real"].get<int>() >= 10);
  const json& memorised = found["memorisation"];
  CHECK(memorised["copied_held_out"].get<double>() < 1);  // of pictures that nobody copied
  CHECK(memorised["excess"].get<double>() ==
        doctest::Approx(memorised["copied"].get<double>() - memorised["copied_held_out"].get<double>()));
  std::set<std::string> trained;
  const json lineage = json::parse(bytes_of(run / "lineage.json"));
  for (const json& file : lineage["ancestors"]) trained.insert(file["file"]);
  for (const json& one : found["nearest"]) CHECK(trained.count(one["file"]) == 1);
  CHECK(fs::exists(run / "audit" / "nearest.png"));
}
