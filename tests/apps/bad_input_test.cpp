// Each bad input gives one line that says what, where and what to do, a status other than 0, and leaves what
// was there before. Flags that do not exist are in usage_test.cpp, flags against a weight file in
// train_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>

#include "models/weights/safetensors.h"
#include "tests/apps/small_run.h"

using namespace program;
namespace fs = std::filesystem;

namespace {

constexpr int least_file_bytes = 1100;  // clang's OpenMP library writes a file of 1024 as it starts

constexpr int killed = 128 + 9;

// A name below a file: nobody can make that folder, not even root.
std::string unwritable(const TemporaryFolder& folder) {
  write(folder / "file", "a file");
  return (folder / "file/out").string();
}

void check_refused_by_train(const Arguments& flags, int status, const Arguments& words) {
  const TemporaryFolder folder;
  const fs::path out = folder / "run";
  check_refused(run(small_run().small_training(out.string(), flags)), status, words);
  CHECK_FALSE(fs::exists(out));
}

// A file of facts beside the small run's weights.
std::string with_facts(const fs::path& to, const sonograd::Facts& facts) {
  sonograd::WeightFile file = sonograd::read_weights(small_run().best);
  for (const auto& [key, value] : facts) file.facts[key] = value;
  sonograd::write_safetensors(to, file.tensors, file.facts);
  return to.string();
}

// A run of a few steps, then killed: a checkpoint and earlier results.
fs::path half_a_run(const TemporaryFolder& folder, const std::string& name) {
  fs::path run = folder / name;
  const auto half = [&] { return checkpoint_step(run) >= 6; };
  const Outcome outcome = program::run(small_run().small_training(run.string(), {"--checkpoint-steps", "2"}),
                                       {.kill_when = half});
  CHECK(outcome.status == killed);
  return run;
}

Outcome resume(const fs::path& run, const Limits& limits = {}) {
  return program::run(small_run().small_training(run.string(), {"--checkpoint-steps", "2", "--resume"}),
                      limits);
}

}  // namespace

TEST_CASE("a data folder that is missing, without images or of one class") {
  const TemporaryFolder folder;
  const std::string missing = (folder / "missing").string();
  check_refused_by_train({"--data", missing}, 1, {missing, "No such file"});
  check_refused(run({"loss", "--weights", small_run().best, "--data", missing}), 1, {missing});
  check_refused(run({"predict", "--weights", small_run().best, missing}), 1, {missing});
  check_refused(run({"data", "audit", missing}), 1, {missing});

  const fs::path data = folder / "data";
  fs::copy(small_run().data, data, fs::copy_options::recursive);
  for (const auto& image : fs::directory_iterator(data / "normal"))
    if (image.path().string().find("_mask") == std::string::npos) fs::remove(image.path());
  check_refused_by_train({"--data", data.string()}, 1, {(data / "normal").string(), "no images"});
  fs::remove_all(data / "normal");
  fs::remove_all(data / "malignant");
  check_refused_by_train({"--data", data.string()}, 1, {data.string(), "only one class folder, benign"});
}

TEST_CASE("a folder that cannot be written") {
  const TemporaryFolder folder;
  const std::string out = unwritable(folder), image = small_run().data + "/benign/benign (1).png";
  const Arguments weights{"--weights", small_run().best};
  const auto refused = [&](const Arguments& arguments) {
    CAPTURE(arguments[0]);
    check_refused(run(arguments), 1, {out, "Not a directory", "check the path"});
  };
  refused(small_run().small_training(out));
  refused({"demo", "--out", out, "--model", "mini"});
  refused({"init", "--model", "mini", "--out", out + ".safetensors"});
  refused({"data", "phantom", out});
  refused({"data", "split", small_run().data, "--out", out});
  refused(with({"predict", "--out", out, image}, weights));
  refused(with({"explain", "--out", out, image}, weights));
  refused({"evaluate", "--run", small_run().run, "--out", out});
  CHECK(bytes_of(folder / "file") == "a file");
}

TEST_CASE("a run among the images, where it would be taken for a class") {
  const fs::path among = fs::path(small_run().data) / "run";
  check_refused(run(small_run().small_training(among.string())), 1, {among.string(), "taken for a class"});
  check_refused(
      run({"gan", "train", "--data", small_run().data, "--class", "benign", "--out", among.string()}), 1,
      {among.string(), "taken for a class"});
  check_refused(run({"experiment", "table1", "--data", small_run().data, "--out", among.string()}), 1,
                {among.string(), "taken for a class"});
  CHECK_FALSE(fs::exists(among));
}

TEST_CASE("maps take the place of maps alone, and not of the picture that they explain") {
  const TemporaryFolder folder;
  const std::string image = small_run().data + "/benign/benign (1).png", out = folder.path.string(),
                    other = out + "/benign (1).png";
  const auto explain = [&](const std::string& what) {
    return run({"explain", "--weights", small_run().best, "--out", out, what});
  };
  write(other, "another scan of that name");
  check_refused(explain(image), 1, {other, "is there and no map of ours"});
  CHECK(bytes_of(other) == "another scan of that name");
  fs::remove(other);
  check_done(explain(image));
  check_done(explain(image));  // its own map
  const std::string map = bytes_of(other);
  check_refused(explain(other), 1, {other, "is there and no map of ours"});
  CHECK(bytes_of(other) == map);
}

TEST_CASE("a map that would take the place of its image, and a split of no folder") {
  const fs::path image = fs::path(small_run().data) / "benign" / "benign (1).png";
  const std::string before = bytes_of(image);
  check_refused(
      run({"explain", "--weights", small_run().best, "--out", image.parent_path().string(), image.string()}),
      1, {image.string(), "is there and no map of ours"});
  CHECK(bytes_of(image) == before);
  check_refused(run({"data", "verify", small_run().run + "/split.json", "--data", "nowhere"}), 1,
                {"nowhere is no folder"});
}

TEST_CASE("a place where train cannot write is told before it looks for duplicates") {
  Arguments training = small_run().small_training("/proc/nowhere");
  training.erase(std::remove(training.begin(), training.end(), "--quiet"), training.end());
  check_refused(run(training), 1, {"cannot make the folder /proc/nowhere"});
}

TEST_CASE("files of a run that are missing or damaged are named without the parser's words") {
  const TemporaryFolder folder;
  const fs::path run = folder / "run";
  fs::copy(small_run().run, run, fs::copy_options::recursive);
  const auto refused = [&](const char* file, const std::string& text, const std::string& words) {
    const std::string whole = bytes_of(run / file);
    write(run / file, text);
    for (const Arguments& command : {Arguments{"evaluate", "--run"}, Arguments{"data", "verify"}}) {
      const bool verify = command[0] == "data";
      if (verify && std::string(file) != "split.json") continue;
      const Outcome outcome = program::run(with(command, {verify ? (run / file).string() : run.string()}));
      check_refused(outcome, 1, {(run / file).string() + ": " + words});
      CHECK(outcome.err.find("json.exception") == std::string::npos);
    }
    write(run / file, whole);
  };
  refused("split.json", "{\"train\": [", "not a split.json: no JSON from byte 12 on; make it again");
  refused("split.json", "{\"train\": 1}", "not a split.json: an entry is missing or is of another kind");
  refused("manifest.json", "{",
          "not a manifest of a run: no JSON from byte 2 on; put a whole one back or start");
  fs::remove(run / "split.json");
  check_refused(
      program::run({"evaluate", "--run", run.string()}), 1,
      {"cannot read " + (run / "split.json").string() + ": No such file or directory; check the path\n"});
}

TEST_CASE("evaluate says that a run did not finish") {
  const TemporaryFolder folder;
  const fs::path run = half_a_run(folder, "run");
  const Outcome early = program::run({"evaluate", "--run", run.string()});
  check_done(early);
  CHECK(early.err ==
        "sonograd: warning: " + run.string() + " did not finish: these are its best weights so far\n");
  fs::remove(run / "best.safetensors");
  check_refused(program::run({"evaluate", "--run", run.string()}), 1, {"holds no weights", "train --resume"});
  check_refused(program::run({"predict", "--weights", (run / "checkpoint.safetensors").string(), "x.png"}), 1,
                {"holds a \"checkpoint\", which is no classifier"});
}

TEST_CASE("a model that does not exist, an image size too small for one") {
  check_refused_by_train({"--model", "resnet"}, 2, {"resnet", "aeganb3", "mini"});
  check_refused_by_train({"--image-size", "8"}, 2, {"mini", "image size 8", "16"});
  check_refused_by_train({"--model", "aeganb3", "--image-size", "31"}, 2, {"aeganb3", "31", "32"});
  check_refused(run({"summary", "--model", "mini", "--image-size", "8"}), 2, {"image size 8", "16"});
}

TEST_CASE("a weight file of another model, cut short, or with facts that mean nothing") {
  const TemporaryFolder folder;
  const std::string other = (folder / "other.safetensors").string(),
                    cut = (folder / "cut.safetensors").string();
  check_done(run({"init", "--model", "efficientnetb0", "--out", other}));
  check_refused_by_train({"--weights", other}, 1, {other, "efficientnetb0", "does not fit mini"});
  const Arguments predict{"predict", small_run().data, "--weights"};
  check_refused(run(with(predict, {other, "--model", "mini"})), 1, {other, "efficientnetb0", "mini"});
  write(cut, bytes_of(small_run().best).substr(0, 100000));
  check_refused_by_train({"--weights", cut}, 1, {cut, "cut short"});
  check_refused(run(with(predict, {cut})), 1, {cut, "cut short"});

  const auto refused = [&](const sonograd::Facts& facts, const Arguments& words) {
    const std::string file = with_facts(folder / "facts.safetensors", facts);
    check_refused(run(with(predict, {file})), 1, with(words, {file}));
    check_refused_by_train({"--weights", file}, 1, with(words, {file}));
  };
  refused({{"input", "rgb"}}, {"input", "\"rgb\"", "plain", "imagenet"});
  refused({{"pooling", "mean"}}, {"pooling", "\"mean\"", "avg", "max"});
  refused({{"keras", "4"}}, {"keras", "\"4\"", "2", "3"});
  refused({{"image_size", "-32"}}, {"image_size", "\"-32\""});
}

TEST_CASE("data of other classes than the weights'") {
  const TemporaryFolder folder;
  fs::copy(small_run().data, folder / "data", fs::copy_options::recursive);
  fs::rename(folder / "data/normal", folder / "data/cyst");
  const std::string data = (folder / "data").string();
  const Arguments both{data, "benign,cyst,malignant", "benign,normal,malignant"};
  check_refused(run({"loss", "--weights", small_run().best, "--data", data}), 1, both);
  check_refused(run({"evaluate", "--weights", small_run().best, "--data", data}), 1, both);
  check_refused_by_train({"--weights", small_run().best, "--data", data}, 1,
                         {"benign,cyst,malignant", "benign,normal,malignant"});
}

TEST_CASE("a checkpoint that is cut short is refused and nothing of the run is touched") {
  const TemporaryFolder folder;
  const fs::path run = half_a_run(folder, "run"), checkpoint = run / "checkpoint.safetensors";
  const std::string whole = bytes_of(checkpoint);
  for (const std::size_t bytes : {std::size_t{0}, std::size_t{5}, std::size_t{1000}, whole.size() - 1}) {
    CAPTURE(bytes);
    write(checkpoint, whole.substr(0, bytes));
    const auto before = contents(run);
    check_refused(resume(run), 1, {checkpoint.string(), "cannot read"});
    CHECK((contents(run) == before));
  }
  write(checkpoint, whole);
  check_done(resume(run));
}

TEST_CASE("a finished run is not written over") {
  const auto before = contents(small_run().run);
  check_refused(run(small_run().small_training(small_run().run)), 1, {small_run().run, "finished run"});
  CHECK((contents(small_run().run) == before));
}

TEST_CASE("a disk that is full while a run saves leaves its last checkpoint to go on from") {
  const TemporaryFolder folder;
  const fs::path run = half_a_run(folder, "run");
  const std::string checkpoint = bytes_of(run / "checkpoint.safetensors"),
                    best = bytes_of(run / "best.safetensors");
  const Outcome full = resume(run, {.file_bytes = 200000});
  check_refused(full, 1, {(run / "checkpoint.safetensors").string(), "File too large", "free some space"});
  CHECK((bytes_of(run / "checkpoint.safetensors") == checkpoint));
  CHECK((bytes_of(run / "best.safetensors") == best));
  CHECK_FALSE(fs::exists(run / "checkpoint.safetensors.tmp"));
  check_done(resume(run));
  CHECK((bytes_of(run / "best.safetensors") == bytes_of(small_run().best)));

  // From the first file on.
  check_refused(
      program::run(small_run().small_training((folder / "new").string()), {.file_bytes = least_file_bytes}),
      1, {(folder / "new/manifest.json").string(), "File too large"});
}

TEST_CASE("a disk that is full while a file is written leaves the earlier one") {
  const TemporaryFolder folder;
  const auto kept = [&](const fs::path& file, const Arguments& arguments) {
    CAPTURE(arguments[0]);
    write(file, "earlier");
    check_refused(run(arguments, {.file_bytes = least_file_bytes}), 1, {file.string(), "File too large"});
    CHECK(bytes_of(file) == "earlier");
    CHECK_FALSE(fs::exists(file.string() + ".tmp"));
  };
  const fs::path csv = folder / "p.csv", fresh = folder / "w.safetensors", split = folder / "s.json";
  const Arguments weights{"--weights", small_run().best};
  kept(csv, with({"predict", small_run().data, "--out", csv.string()}, weights));
  kept(split, {"data", "split", small_run().data, "--out", split.string()});
  kept(fresh, {"weights", "convert", small_run().best, fresh.string()});
}

TEST_CASE("a stdout that takes nothing is a failure, for long answers and short ones") {
  const Limits full{.full_stdout = true};
  const Arguments words{"stdout", "No space left on device"};
  check_refused(run({"--help"}, full), 1, words);
  check_refused(run({"--version"}, full), 1, words);
  check_refused(run({"train", "--help"}, full), 1, words);
  check_refused(run({"summary", "--model", "mini"}, full), 1, words);
  check_refused(run({"summary", "--model", "aeganb3", "--json"}, full), 1, words);
  check_refused(run({"loss", "--weights", small_run().best, "--data", small_run().data}, full), 1, words);
  check_refused(run({"predict", "--weights", small_run().best, small_run().data}, full), 1, words);
}
