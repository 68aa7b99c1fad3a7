#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "models/weights/safetensors.h"
#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string fact(const fs::path& weights) {
  return sonograd::read_weights(weights).facts.at("preprocess");
}

Arguments training(const fs::path& out, const Arguments& more) {
  return with({"train", "--data", small_run().data, "--out", out.string(), "--model", "densenet121",
               "--image-size", "32", "--epochs", "1", "--quiet"},
              more);
}

// A base as it comes from elsewhere: no head, no facts.
void write_base(const fs::path& whole, const fs::path& to) {
  sonograd::WeightFile file = sonograd::read_weights(whole);
  auto& tensors = file.tensors;
  tensors.erase(std::remove_if(tensors.begin(), tensors.end(),
                               [](const auto& t) { return t.name.rfind("dense.", 0) == 0; }),
                tensors.end());
  sonograd::write_safetensors(to, tensors, {});
}

}  // namespace

TEST_CASE("weights record the preprocessing and a flag that contradicts them is refused") {
  const TemporaryFolder folder;
  const std::string as_trained = (folder / "a.safetensors").string(),
                    raw = (folder / "b.safetensors").string();
  const Arguments init{"init", "--model", "densenet121", "--image-size", "32", "--out"};
  check_done(run(with(init, {as_trained, "--preprocess", "weights"})));
  check_done(run(with(init, {raw})));
  CHECK(fact(as_trained) == "torch");
  CHECK(fact(raw) == "raw");

  const auto predict = [&](const std::string& weights, const Arguments& more = {}) {
    return run(with({"predict", "--weights", weights, small_run().data}, more));
  };
  const Outcome scaled = predict(as_trained);
  check_done(scaled);
  CHECK(scaled.out == predict(as_trained, {"--preprocess", "weights"}).out);
  CHECK(scaled.out != predict(raw).out);
  check_refused(predict(as_trained, {"--preprocess", "notebook"}), 1,
                {as_trained, "preprocess torch", "--preprocess notebook is raw"});
  check_refused(predict(raw, {"--preprocess", "weights"}), 1,
                {"preprocess raw", "--preprocess weights is torch"});
  check_refused(predict(raw, {"--preprocess", "caffe"}), 2, {"--preprocess", "caffe"});
  check_refused(run({"loss", "--weights", raw, "--data", small_run().data, "--preprocess", "weights"}), 1,
                {"preprocess raw"});
}

TEST_CASE(
    "a base gets the pixels that it was trained on; the paper's protocol feeds raw ones and is warned") {
  const TemporaryFolder folder;
  const std::string fresh = (folder / "fresh.safetensors").string(),
                    base = (folder / "base.safetensors").string();
  check_done(run({"init", "--model", "densenet121", "--image-size", "32", "--out", fresh}));
  write_base(fresh, base);
  const Arguments transfer{"--weights", base, "--phases", "transfer"};

  const fs::path grouped = folder / "grouped", paper = folder / "paper", steps = folder / "steps";
  const Outcome fitting = run(training(grouped, transfer));
  check_done(fitting);
  CHECK(holds(fitting.err, "the head of densenet121 starts fresh, pixels are preprocessed as torch"));
  CHECK_FALSE(holds(fitting.err, "warning"));
  CHECK(fact(grouped / "best.safetensors") == "torch");
  CHECK(json::parse(bytes_of(grouped / "manifest.json"))["flags"]["preprocess"] == "torch");

  const Outcome unfit = run(training(paper, with(transfer, {"--protocol", "paper"})));
  check_done(unfit);
  CHECK(holds(unfit.err,
              "warning: " + base + " seems trained on pixels preprocessed as torch, but gets them as raw"));
  CHECK(fact(paper / "best.safetensors") == "raw");

  const Outcome told =
      run(training(steps, with(transfer, {"--preprocess", "notebook", "--steps", "1", "--no-shuffle"})));
  check_done(told);
  CHECK(holds(told.err, "warning"));
  CHECK(fact(steps / "last.safetensors") == "raw");
}

TEST_CASE("the paper's protocol pools as the notebook does, unless a flag or the file says otherwise") {
  const TemporaryFolder folder;
  const std::string fresh = (folder / "fresh.safetensors").string(),
                    base = (folder / "base.safetensors").string();
  check_done(run({"init", "--model", "densenet169", "--image-size", "32", "--out", fresh}));
  write_base(fresh, base);
  int runs = 0;
  const auto pooling = [&](const Arguments& more) {
    const fs::path out = folder / std::to_string(++runs);
    check_done(run(training(out, with({"--model", "densenet169", "--steps", "1", "--no-shuffle"}, more))));
    return sonograd::read_weights(out / "last.safetensors").facts.at("pooling");
  };
  CHECK(pooling({}) == "avg");
  CHECK(pooling({"--protocol", "paper"}) == "max");
  CHECK(pooling({"--protocol", "paper", "--weights", base, "--phases", "transfer"}) == "max");
  CHECK(pooling({"--protocol", "paper", "--pooling", "avg"}) == "avg");
  CHECK(pooling({"--protocol", "paper", "--weights", fresh, "--phases", "finetune"}) == "avg");
}

TEST_CASE("a run goes on with the preprocessing that it began with") {
  const TemporaryFolder folder;
  const fs::path out = folder / "run";
  check_done(run(training(out, {"--preprocess", "weights", "--keep-checkpoint"})));
  fs::remove(out / "metrics.json");  // as if it had ended before
  check_refused(run(training(out, {"--resume"})), 1, {"preprocess raw", "preprocess torch"});
  check_done(run(training(out, {"--resume", "--preprocess", "weights"})));
  CHECK(fact(out / "best.safetensors") == "torch");
}

TEST_CASE("zoo prints every model, as docs/models.md has it, one model, or JSON") {
  const Outcome all = run({"zoo"});
  check_done(all);
  CHECK(holds(bytes_of(SONOGRAD_SOURCE_DIR "/docs/models.md"), "```\n" + all.out + "```\n"));
  const Outcome one = run({"zoo", "densenet169"});
  check_done(one);
  for (const char* part : {"b8c4d4c20dd625c148057b9ff1c1176b", "Huang", "BSD-3-Clause", "torch", "12647875"})
    CHECK(holds(one.out, part));
  check_refused(run({"zoo", "resnet"}), 2, {"resnet", "densenet169"});

  const Outcome as_json = run({"zoo", "--json"});
  check_done(as_json);
  const json models = json::parse(as_json.out, nullptr, false)["models"];
  REQUIRE(models.size() == 19);
  CHECK(models[0]["name"] == "aeganb3");
  CHECK(models[0]["parameters"] == 36763954);
  for (const json& model : models)
    for (const char* key : {"description", "smallest_image", "preprocess", "citation", "licence", "files"})
      CHECK(model.contains(key));
}
