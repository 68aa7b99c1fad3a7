#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>

#include "models/model_file.h"
#include "models/weights/dialect.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json json_of(const fs::path& file) {
  return json::parse(bytes_of(file));
}

// The weights of the small run cut down to the base, its facts kept.
void write_base(const fs::path& to) {
  sonograd::WeightFile file = sonograd::read_weights(small_run().best);
  const auto last = std::find_if(file.tensors.begin(), file.tensors.end(),
                                 [](const auto& t) { return t.name == "top_bn.moving_variance"; });
  REQUIRE(last != file.tensors.end());
  file.tensors.erase(last + 1, file.tensors.end());
  sonograd::write_safetensors(to, file.tensors, file.facts);
}

}  // namespace

TEST_CASE("train leaves weights, history, split, metrics, manifest and report") {
  const SmallRun& small = small_run();
  check_done(small.training);
  CHECK(small.training.err.empty());
  const fs::path run = small.run;

  const auto history = lines(bytes_of(run / "history.csv"));
  REQUIRE(history.size() == 3);
  CHECK(history[0] == "phase,epoch,loss,accuracy,val_loss,val_accuracy,seconds");
  CHECK(history[1].rfind("scratch,1,", 0) == 0);
  CHECK(history[2].rfind("scratch,2,", 0) == 0);

  const json split = json_of(run / "split.json");
  const std::vector<std::string> classes{"benign", "normal", "malignant"};
  CHECK(split["classes"] == classes);
  std::set<std::string> files;
  for (const auto& [part, count] : {std::pair{"train", 24}, {"validation", 3}, {"test", 3}}) {
    CHECK(split[part].size() == static_cast<std::size_t>(count));
    for (const json& image : split[part]) {
      const std::string file = image["file"], hash = image["sha256"];
      CHECK(fs::exists(fs::path(small.data) / file));
      CHECK(files.insert(file).second);  // in one part alone
      CHECK(image["class"] == file.substr(0, file.find('/')));
      CHECK(image["class"] == classes[image["label"].get<std::size_t>()]);
      CHECK(hash.size() == 64);
    }
  }

  CHECK(json::parse(small.training.out) == json_of(run / "metrics.json"));
  const json metrics = json_of(run / "metrics.json");
  for (const char* key :
       {"accuracy", "precision", "recall", "f1", "per_class", "confusion", "intervals", "classes"})
    CHECK(metrics.contains(key));
  CHECK(metrics["n"] == 3);
  int right = 0;
  for (std::size_t c = 0; c < 3; ++c) right += metrics["confusion"][c][c].get<int>();
  CHECK(metrics["correct"] == right);

  const json manifest = json_of(run / "manifest.json");
  CHECK(manifest["model"] == "mini");
  CHECK(manifest["seed"] == 7);
  CHECK(manifest["flags"]["image-size"] == "32");
  CHECK_FALSE(manifest["finished"].get<std::string>().empty());

  const auto facts = sonograd::read_weights(small.best).facts;
  CHECK(facts.at("model") == "mini");
  CHECK(facts.at("classes") == "benign,normal,malignant");
  CHECK(facts.at("image_size") == "32");
  for (const auto& [name, bytes] : contents(run)) CHECK(fs::path(name).extension() != ".tmp");
}

TEST_CASE("train --steps takes consecutive batches that wrap round") {
  const TemporaryFolder folder;
  const auto losses = [&](const std::string& name, const Arguments& more) {
    const fs::path run = folder / name, log = folder / (name + ".csv");
    const Outcome outcome = program::run(with(
        {"train", "--data", small_run().data, "--out", run.string(), "--model", "mini", "--image-size", "32",
         "--seed", "7", "--quiet", "--no-shuffle", "--no-dropout", "--log-steps", log.string(), "--json"},
        more));
    check_done(outcome);
    CHECK(fs::exists(run / "last.safetensors"));
    const json told = json::parse(outcome.out);
    CHECK(told["weights"] == (run / "last.safetensors").string());
    CHECK(told["log"] == log.string());
    const auto rows = lines(bytes_of(log));
    REQUIRE_FALSE(rows.empty());
    CHECK(rows[0] == "step,loss");
    std::vector<std::string> values;
    for (std::size_t i = 1; i < rows.size(); ++i) {
      CHECK(rows[i].rfind(std::to_string(i) + ",", 0) == 0);
      values.push_back(rows[i].substr(rows[i].find(',') + 1));
    }
    CHECK(told["steps"] == values.size());
    CHECK(told["loss"].get<double>() == doctest::Approx(std::stod(values.back())));
    return values;
  };
  // 30 images: with no learning the fourth batch of 20 is the first again.
  const auto still = losses("still", {"--steps", "4", "--batch", "20", "--lr", "0"});
  REQUIRE(still.size() == 4);
  CHECK(still[3] == still[0]);
  CHECK(still[1] != still[0]);
  CHECK(still[2] != still[0]);
  const auto learns = losses("learns", {"--steps", "3", "--batch", "30", "--lr", "0.001"});
  REQUIRE(learns.size() == 3);
  CHECK(std::stod(learns[2]) < std::stod(learns[0]));
}

TEST_CASE("in f16 the manifest and --steps tell of skipped updates, and a run in another type is another") {
  const TemporaryFolder folder;
  const std::string out = (folder / "run").string();
  const Arguments call{"train",        "--data", small_run().data, "--out", out,       "--model",  "mini",
                       "--image-size", "32",     "--seed",         "7",     "--quiet", "--epochs", "1",
                       "--batch",      "8"};
  check_done(run(with(call, {"--dtype", "f16"})));
  const json manifest = json_of(fs::path(out) / "manifest.json");
  CHECK(manifest["flags"]["dtype"] == "f16");
  const std::string skipped = manifest["phases"]["scratch"]["updates skipped in f16"];
  const int count = std::stoi(skipped);  // each halves the scale
  CHECK(skipped == fmt::format("{}; loss scale {} at the end", count, 65536 >> count));
  check_refused(run(with(call, {"--dtype", "bf16", "--resume"})), 1, {"with dtype f16, not bf16"});
  const Outcome steps =
      run({"train", "--data", small_run().data, "--out", (folder / "steps").string(), "--model", "mini",
           "--image-size", "32", "--no-shuffle", "--steps", "2", "--batch", "8", "--dtype", "f16", "--json"});
  check_done(steps);
  CHECK(json::parse(steps.out)["skipped_updates"].is_number_integer());
}

TEST_CASE("train on a whole model's weights takes their image size and refuses flags against them") {
  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  const Arguments train{"train",   "--data",   small.data, "--weights", small.best, "--phases",
                        "scratch", "--epochs", "1",        "--batch",   "8",        "--quiet"};
  const auto out = [&](const std::string& name) { return Arguments{"--out", (folder / name).string()}; };
  check_done(run(with(train, out("silent"))));
  check_done(run(with(train, with(out("told"), {"--image-size", "32", "--model", "mini", "--pooling", "avg",
                                                "--input", "plain", "--keras", "3"}))));
  CHECK(json_of(folder / "silent/manifest.json")["flags"]["image-size"] == "32");
  for (const char* file : {"best.safetensors", "metrics.json"})
    CHECK(bytes_of(folder / "silent" / file) == bytes_of(folder / "told" / file));

  const auto refused = [&](const Arguments& flags, const Arguments& words) {
    check_refused(run(with(train, with(out("refused"), flags))), 1, with(words, {small.best}));
    CHECK_FALSE(fs::exists(folder / "refused"));
  };
  refused({"--image-size", "48"}, {"image_size 32", "--image-size is 48"});
  refused({"--pooling", "max"}, {"pooling avg", "--pooling is max"});
  refused({"--input", "imagenet"}, {"input plain", "--input is imagenet"});
  refused({"--keras", "2"}, {"keras 3", "--keras is 2"});
  refused({"--model", "aeganb0"}, {"mini", "aeganb0"});
  refused({"--classes", "normal,benign,malignant"}, {"benign,normal,malignant", "normal,benign,malignant"});
}

TEST_CASE("on a base, transfer trains the head alone and finetune all but the norms") {
  const TemporaryFolder folder;
  const fs::path base = folder / "base.safetensors", run = folder / "run";
  write_base(base);
  const auto train = [&](const fs::path& out, const Arguments& more) {
    const Outcome outcome =
        program::run(small_run().small_training(out.string(), with({"--weights", base.string()}, more)));
    check_done(outcome);
    CHECK(outcome.err.find("the head of mini starts fresh") != std::string::npos);
    return values_of(out / "best.safetensors");
  };
  const auto before = values_of(base);
  const auto transferred = train(folder / "transfer", {"--phases", "transfer", "--epochs", "1"});
  CHECK(transferred.size() > before.size());
  for (const auto& tensor : before) {
    CAPTURE(tensor.first);
    CHECK(transferred.at(tensor.first) == tensor.second);
  }
  // mini's base has drop-connect, which is off where its features are computed once
  const auto exact =
      train(folder / "exact", {"--phases", "transfer", "--epochs", "1", "--transfer", "exact"});
  CHECK(exact != transferred);
  const Arguments plain{"--phases", "transfer", "--epochs", "1", "--no-dropout"};
  CHECK(train(folder / "plain", plain) ==
        train(folder / "plain-exact", with(plain, {"--transfer", "exact"})));
  const auto says = [&](const char* out, const char* text) {
    return bytes_of(folder / out / "manifest.json").find(text) != std::string::npos;
  };
  CHECK(says("transfer", "computed once, without its drop-connect and dropout"));
  CHECK_FALSE(says("exact", "computed once"));
  const fs::path resumed = folder / "resumed";
  const Arguments two = small_run().small_training(
      resumed.string(), {"--weights", base.string(), "--epochs", "2", "--checkpoint-steps", "1", "--resume"});
  CHECK(program::run(two, {.kill_when = [&] { return checkpoint_step(resumed) > 13; }}).status != 0);
  check_done(program::run(two));  // from within finetune, which keeps no features
  CHECK(says("resumed", "computed once, without its drop-connect and dropout"));
  CHECK(says("plain-exact", "computed once; nothing in it draws at random"));
  const auto jittered =
      train(folder / "jittered", {"--phases", "transfer", "--epochs", "1", "--augment", "jitter"});
  CHECK(jittered != transferred);
  CHECK_FALSE(says("jittered", "computed once"));
  check_refused(program::run(small_run().small_training(
                    (folder / "both").string(),
                    {"--weights", base.string(), "--transfer", "cached", "--augment", "jitter"})),
                2, {"--transfer cached", "--augment"});
  const auto tuned = train(run, {"--epochs", "1", "--lr", "0.001,0.001"});
  for (const auto& tensor : before) {
    const std::string& name = tensor.first;
    CAPTURE(name);
    const bool norm = name.find("bn.") != std::string::npos || name.find("normalization.") == 0;
    CHECK((tuned.at(name) == tensor.second) == norm);
  }
  const auto history = lines(bytes_of(run / "history.csv"));
  REQUIRE(history.size() == 3);
  CHECK(history[1].rfind("transfer,1,", 0) == 0);
  CHECK(history[2].rfind("finetune,1,", 0) == 0);
  CHECK(fs::exists(run / "metrics-transfer.json"));
  CHECK(fs::exists(run / "metrics-finetune.json"));

  // The base's facts are those of the model it was cut from; flags may differ from them, but for the input.
  const Outcome larger = program::run(small_run().small_training(
      (folder / "larger").string(), {"--weights", base.string(), "--image-size", "48", "--epochs", "1"}));
  check_done(larger);
  check_refused(program::run(small_run().small_training((folder / "input").string(),
                                                        {"--weights", base.string(), "--input", "imagenet"})),
                1, {base.string(), "input plain", "--input is imagenet"});
}

TEST_CASE("a trained network's base trains for other classes, and files of other kinds are told of") {
  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  const fs::path data = folder / "two classes";
  fs::create_directories(data);
  for (const char* label : {"benign", "normal"})
    fs::copy(fs::path(small.data) / label, data / label, fs::copy_options::recursive);
  write(data / "normal/scan.webp", "not read");
  const fs::path out = folder / "run's";
  Arguments train = small.small_training(out.string(), {"--weights", small.best, "--data", data.string(),
                                                        "--phases", "transfer", "--epochs", "1"});
  train.erase(std::remove(train.begin(), train.end(), "--quiet"), train.end());
  check_refused(program::run(with(train, {"--quiet"})), 1,
                {"was trained for benign,normal,malignant, the data has benign,normal", "--fresh-head"});

  const Outcome trained = program::run(with(train, {"--fresh-head"}));
  check_done(trained);
  CHECK(trained.err.find("the head of mini starts fresh") != std::string::npos);
  CHECK(trained.err.find("1 files in the class folders are passed over") != std::string::npos);
  const auto before = values_of(small.best), after = values_of(out / "best.safetensors");
  CHECK(after.at("stem_conv.kernel") == before.at("stem_conv.kernel"));
  CHECK(after.at("dense_1.bias").size() == 2);
  CHECK(before.at("dense_1.bias").size() == 3);
  const std::string weights = (out / "best.safetensors").string();
  CHECK(trained.out.find("--weights '" + folder.path.string()) != std::string::npos);

  check_refused(program::run(with(train, {"--fresh-head", "--resume", "--epochs", "2"})), 1,
                {"is finished, with epochs 1, not 2", "to train on --weights '" + folder.path.string()});
  const Outcome again = program::run(with(train, {"--fresh-head", "--resume"}));
  check_done(again);
  CHECK(again.out.find("is finished, there is nothing to resume") != std::string::npos);
  CHECK(again.out.find("to train on: a new --out") != std::string::npos);
}

TEST_CASE("batches that share an update draw dropout as one large batch does") {
  const TemporaryFolder folder;
  const auto tuned = [&](const std::string& name, const Arguments& flags) {
    const fs::path out = folder / name;
    // Frozen norms have no batch statistics; Adam would turn roundings of tiny gradients into steps.
    check_done(program::run(small_run().small_training(
        out.string(),
        with({"--weights", small_run().best, "--phases", "finetune", "--optimizer", "sgd", "--lr", "0.02"},
             flags))));
    return values_of(out / "best.safetensors");
  };
  const auto farthest = [](const auto& a, const auto& b) {
    double distance = 0;
    for (const auto& tensor : a)
      for (std::size_t i = 0; i < tensor.second.size(); ++i)
        distance = std::max(distance, std::abs(tensor.second[i] - b.at(tensor.first)[i]));
    return distance;
  };
  // 24 images: the last update has 4 of them.
  const auto whole = tuned("whole", {"--batch", "10"});
  CHECK(farthest(tuned("halves", {"--batch", "5", "--accumulate", "2"}), whole) < 1e-6);
  CHECK(farthest(tuned("without", {"--batch", "10", "--no-dropout"}), whole) > 1e-4);
}

TEST_CASE("a base under timm's names trains; its own head is left out and told") {
  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  const fs::path base = folder / "base.safetensors", timm = folder / "timm.safetensors";
  write_base(base);
  sonograd::WeightFile file = sonograd::read_weights(base);
  const sonograd::Slots slots = sonograd::slots_of(sonograd::make_model({.name = "mini"}));
  file.tensors =
      sonograd::to_their_names(file.tensors, sonograd::dialect_named("timm", "mini", slots), file.facts);
  file.tensors.push_back(sonograd::stored("classifier.weight", sonograd::Tensor::zeros({1000, 64})));
  sonograd::write_safetensors(timm, file.tensors, {{"input", "plain"}});
  const auto best_after = [&](const char* run, const fs::path& weights) {
    const Outcome done = program::run(
        small.small_training((folder / run).string(), {"--weights", weights.string(), "--epochs", "1"}));
    CHECK(done.status == 0);
    CHECK(done.err.find("holds a base (") != std::string::npos);
    CHECK((done.err.find("1 left out (classifier.weight [1000,64])): the head of mini starts fresh\n") !=
           std::string::npos) == (weights == timm));
    return bytes_of(folder / run / "best.safetensors");
  };
  CHECK(best_after("a", base) == best_after("b", timm));
}

TEST_CASE("a number that is not finite stops the run; op, layer and step are named, the checkpoint stays") {
  const SmallRun& small = small_run();
  const TemporaryFolder folder;
  // Overflow in a layer that is known beforehand.
  sonograd::WeightFile file = sonograd::read_weights(small.best);
  for (sonograd::StoredTensor& tensor : file.tensors)
    if (tensor.name == "block2a.expand_conv.kernel")
      tensor = sonograd::stored(tensor.name, sonograd::Tensor::filled(tensor.shape, 3e38));
  const fs::path poisoned = folder / "poisoned.safetensors";
  sonograd::write_safetensors(poisoned, file.tensors, file.facts);
  check_refused(
      run(small.small_training((folder / "a").string(),
                               {"--weights", poisoned.string(), "--phases", "scratch"})),
      1, {"update 1:", "not finite", "block2a.expand_conv: conv2d;", "what the run saved before is intact"});

  // A weight that is none.
  for (sonograd::StoredTensor& tensor : file.tensors)
    if (tensor.name == "block2a.expand_conv.kernel")
      tensor = sonograd::stored(tensor.name, sonograd::Tensor::filled(tensor.shape, INFINITY));
  sonograd::write_safetensors(poisoned, file.tensors, file.facts);
  check_refused(run(small.small_training((folder / "c").string(),
                                         {"--weights", poisoned.string(), "--phases", "scratch"})),
                1, {"poisoned.safetensors: block2a.expand_conv.kernel holds inf, which is no finite number"});

  const fs::path converted = folder / "converted.h5";
  check_refused(program::run({"weights", "convert", poisoned.string(), converted.string()}), 1,
                {"poisoned.safetensors: block2a.expand_conv.kernel holds inf"});
  CHECK_FALSE(fs::exists(converted));

  // Learning that runs away after a step that was well.
  const fs::path run = folder / "b";
  const Arguments wild =
      small.small_training(run.string(), {"--optimizer", "sgd", "--lr", "1e30", "--checkpoint-steps", "1"});
  const Outcome stopped = program::run(wild);
  check_refused(stopped, 1, {"update 2:", "not finite", "smaller learning rate"});
  CHECK(checkpoint_step(run) == 1);
  CHECK_FALSE(fs::exists(run / "checkpoint.safetensors.tmp"));
  CHECK(program::run(with(wild, {"--resume"})).err == stopped.err);
}
