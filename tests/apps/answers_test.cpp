// What is asked of finished weights and runs: predict, loss, evaluate, explain, compare.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "models/model_file.h"
#include "models/weights/npz.h"
#include "models/weights/safetensors.h"
#include "models/zoo.h"
#include "report/table.h"
#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

Arguments on_best(const std::string& command, const Arguments& more) {
  return with({command, "--weights", small_run().best}, more);
}

json json_from(const Arguments& arguments) {
  const Outcome outcome = run(with(arguments, {"--json"}));
  check_done(outcome);
  CHECK(outcome.err.empty());
  json answer = json::parse(outcome.out, nullptr, false);
  REQUIRE(answer.is_object());
  return answer;
}

// A second run with other settings: its classes in an order of its own.
const fs::path& other_run() {
  static const fs::path made = [] {
    fs::path run = small_run().folder / "other";
    check_done(program::run(small_run().small_training(
        run.string(), {"--classes", "malignant,benign,normal", "--lr", "0.002", "--epochs", "1"})));
    return run;
  }();
  return made;
}

}  // namespace

TEST_CASE("predict writes a row of probabilities for each image, in byte order") {
  const TemporaryFolder folder;
  const std::string csv = (folder / "answers.csv").string(),
                    one = small_run().data + "/normal/normal (2).png";
  const Outcome outcome = run(on_best("predict", {"--out", csv, one, small_run().data}));
  check_done(outcome);
  CHECK(outcome.out.empty());
  const sonograd::Table table = sonograd::read_csv(csv);
  CHECK(table.header == Arguments{"file", "benign", "normal", "malignant"});
  REQUIRE(table.rows.size() == 31);
  CHECK(table.rows[0][0] == one);
  CHECK(table.rows[1][0] == small_run().data + "/benign/benign (1).png");
  CHECK(table.rows[2][0] == small_run().data + "/benign/benign (10).png");
  CHECK(table.rows[30][0] == small_run().data + "/normal/normal (9).png");
  for (const auto& row : table.rows) {
    double sum = 0;
    for (std::size_t c = 1; c < 4; ++c) {
      sum += std::stod(row[c]);
      CHECK(row[c] == fmt::format("{:.9g}", std::stod(row[c])));
    }
    CHECK(sum == doctest::Approx(1).epsilon(1e-6));
  }

  CHECK(run(on_best("predict", {one, small_run().data})).out == bytes_of(csv));
  const json answer = json_from(on_best("predict", {one, "--batch", "1"}));
  CHECK(answer["classes"] == json{"benign", "normal", "malignant"});
  CHECK(answer["predictions"][0]["file"] == one);
  CHECK(answer["predictions"][0]["probabilities"][0].get<double>() ==
        doctest::Approx(std::stod(table.rows[0][1])).epsilon(1e-5));
}

TEST_CASE("predict leaves broken images out, names them and ends with status 1") {
  const TemporaryFolder folder;
  const fs::path images = folder / "images", csv = folder / "answers.csv";
  fs::create_directories(images);
  fs::copy_file(small_run().data + "/normal/normal (1).png", images / "whole.png");
  write(images / "cut.png", bytes_of(images / "whole.png").substr(0, 300));
  const Arguments predict = on_best("predict", {images.string(), "--out", csv.string()});
  check_refused(run(predict), 1, {(images / "cut.png").string()});
  const std::string rows = bytes_of(csv);
  CHECK(lines(rows).size() == 2);
  CHECK(rows.find("whole.png") != std::string::npos);

  write(csv, "earlier");
  const Outcome failed = run(with(predict, {"--on-bad-file", "fail"}));
  CHECK(failed.status == 1);
  CHECK(lines(failed.err).size() == 2);  // the file, and that nothing was written
  CHECK(bytes_of(csv) == "earlier");
}

TEST_CASE("a path that leads nowhere is told as an unreadable image is, and stops nothing else") {
  const TemporaryFolder folder;
  const std::string image = small_run().data + "/normal/normal (1).png",
                    none = (folder / "none.png").string(), loop = (folder / "loop.png").string(),
                    maps = (folder / "maps").string();
  fs::create_symlink("loop.png", loop);
  const Outcome predicted = run(on_best("predict", {none, image, loop}));
  CHECK(predicted.status == 1);
  CHECK(lines(predicted.out).size() == 2);
  REQUIRE(lines(predicted.err).size() == 2);
  CHECK(lines(predicted.err)[0] ==
        "sonograd: cannot read " + none + ": No such file or directory; check the path");
  CHECK(lines(predicted.err)[1].find(loop) != std::string::npos);
  const Outcome explained = run(on_best("explain", {none, image, "--out", maps}));
  CHECK(explained.status == 1);
  CHECK(fs::exists(maps + "/normal (1).png"));
}

TEST_CASE("a link that leads to itself is one line wherever a path is given") {
  const TemporaryFolder folder;
  const std::string loop = (folder / "loop").string(), image = small_run().data + "/normal/normal (1).png";
  fs::create_symlink("loop", loop);
  for (const Arguments& call :
       {on_best("explain", {image, "--out", loop}), on_best("evaluate", {"--data", loop}),
        on_best("evaluate", {"--data", small_run().data, "--out", loop}),
        Arguments{"evaluate", "--run", loop}, Arguments{"data", "audit", loop},
        Arguments{"init", "--model", "mini", "--out", loop}, small_run().small_training(loop)}) {
    CAPTURE(call.front());
    const Outcome outcome = run(call);
    check_refused(outcome, 1, {loop, "Too many levels of symbolic links"});
    CHECK(outcome.err.find("filesystem error") == std::string::npos);
  }
}

TEST_CASE("predict reads no pipe and no device as an image") {
  const TemporaryFolder folder;
  const std::string pipe = (folder / "pipe").string();
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  for (const std::string& path : {pipe, std::string("/dev/zero")}) {
    const Outcome outcome = run(on_best("predict", {path}));
    CHECK(outcome.status == 1);
    CHECK(outcome.err.find(path + ": it is not a regular file") != std::string::npos);
  }
}

TEST_CASE("init writes over no file") {
  const std::string before = bytes_of(small_run().best);
  check_refused(run({"init", "--model", "mini", "--out", small_run().best}), 1, {"is there already"});
  CHECK(bytes_of(small_run().best) == before);
}

TEST_CASE("weights that do not tell their image size are taken at 224, with a warning") {
  const TemporaryFolder folder;
  const std::string npz = (folder / "best.npz").string();
  sonograd::write_npz(npz,
                      sonograd::read_weights(small_run().best).tensors);  // as NumPy would, without facts
  const Arguments predict{"predict", "--weights", npz,
                          "--model", "mini",      small_run().data + "/normal/normal (1).png"};
  CHECK(run(predict).err.find(
            "best.npz does not tell its image size, which is taken as 224; see --image-size") !=
        std::string::npos);
  CHECK(run(with(predict, {"--image-size", "32"})).err.find("image size") == std::string::npos);
}

TEST_CASE("predict without a readable image writes no table") {
  const TemporaryFolder folder;
  const fs::path image = folder / "cut.png", csv = folder / "answers.csv";
  write(image, "no picture");
  check_refused(run(on_best("predict", {image.string()})), 1, {image.string()});
  check_refused(run(on_best("predict", {image.string(), "--out", csv.string()})), 1, {image.string()});
  CHECK_FALSE(fs::exists(csv));
}

TEST_CASE("loss is the mean cross-entropy of what predict says") {
  const std::vector<std::string> classes{"benign", "normal", "malignant"};
  const sonograd::Table table = sonograd::parse_csv(run(on_best("predict", {small_run().data})).out);
  double loss = 0, right = 0;
  for (const auto& row : table.rows) {
    const std::string name = fs::path(row[0]).parent_path().filename().string();
    const auto truth =
        static_cast<std::size_t>(std::find(classes.begin(), classes.end(), name) - classes.begin());
    std::vector<double> p;
    for (std::size_t c = 1; c < 4; ++c) p.push_back(std::stod(row[c]));
    loss -= std::log(p[truth]) / 30;
    right += std::max_element(p.begin(), p.end()) == p.begin() + static_cast<long>(truth);
  }
  const json answer = json_from(on_best("loss", {"--data", small_run().data}));
  CHECK(answer["n"] == 30);
  CHECK(answer["loss"].get<double>() == doctest::Approx(loss).epsilon(1e-5));
  CHECK(answer["accuracy"].get<double>() == doctest::Approx(right / 30));
}

TEST_CASE("evaluate repeats a run's metrics, and measures weights on a folder") {
  const TemporaryFolder folder;
  const std::string out = (folder / "a/b").string();
  for (const fs::path& run : {fs::path(small_run().run), other_run()}) {
    const Outcome again = program::run({"evaluate", "--run", run.string(), "--json"});
    check_done(again);
    CHECK(json::parse(again.out, nullptr, false) == json::parse(bytes_of(run / "metrics.json")));
  }
  const json whole = json_from(on_best("evaluate", {"--data", small_run().data, "--out", out}));
  CHECK(whole["n"] == 30);
  CHECK(whole == json::parse(bytes_of(out + "/metrics.json")));
  CHECK(lines(bytes_of(out + "/predictions.csv")).size() == 31);
  for (const char* name : {"confusion_matrix", "per_class", "roc", "precision_recall", "calibration"})
    CHECK_MESSAGE(fs::exists(out + "/figures/" + name + ".svg"), name);
  for (const char* name : {"confusion_matrix", "per_class", "ranking"})
    CHECK_MESSAGE(lines(bytes_of(out + "/tables/" + name + ".csv")).size() == 4, name);
  const Outcome table = run({"evaluate", "--run", small_run().run});
  check_done(table);
  CHECK(table.out.find("95 % interval") != std::string::npos);

  const auto before = contents(other_run());
  check_refused(run({"evaluate", "--run", small_run().run, "--out", other_run().string()}), 1,
                {other_run().string(), "--out"});
  CHECK((contents(other_run()) == before));
}

TEST_CASE("a run is evaluated from any folder; data that moved away are named and can be given") {
  const TemporaryFolder folder;
  const fs::path data = folder / "data", moved = folder / "moved", out = folder / "run";
  fs::copy(small_run().data, data, fs::copy_options::recursive);
  check_done(run(small_run().small_training(out.string(), {"--data", fs::relative(data).string()})));
  CHECK(json::parse(bytes_of(out / "manifest.json"))["data"] == data.string());
  check_done(run({"evaluate", "--run", out.string()}));
  fs::rename(data, moved);
  check_refused(run({"evaluate", "--run", out.string()}), 1, {data.string(), "--data DIR"});
  check_done(run({"evaluate", "--run", out.string(), "--data", moved.string()}));
}

TEST_CASE("explain writes a raw map and an overlay for each image") {
  const TemporaryFolder folder;
  const fs::path maps = folder / "maps";
  const std::string image = small_run().data + "/benign/benign (1).png";
  const json answer = json_from(on_best("explain", {"--out", maps.string(), image, image}));
  CHECK(answer["explanations"].size() == 2);
  const json& first = answer["explanations"][0];
  CHECK(first["layer"] == "batch_normalization_1");
  CHECK(first["size"] == json{4, 4});
  for (const char* name : {"benign (1)", "benign (1)-2"}) {
    CHECK(bytes_of(maps / (name + std::string(".png"))).rfind("\x89PNG", 0) == 0);
    CHECK(bytes_of(maps / (name + std::string(".npy"))).rfind("\x93NUMPY", 0) == 0);
  }

  const fs::path chosen = folder / "chosen";
  const json other =
      json_from(on_best("explain", {"--out", chosen.string(), "--variant", "notebook", "--layer",
                                    "block2a_expand_activation", "--class", "malignant", image}));
  CHECK(other["explanations"][0]["class"] == "malignant");
  const std::string npy = bytes_of(chosen / "benign (1).npy");
  CHECK(npy.find("'descr': '<f4'") != std::string::npos);
  CHECK(npy.find("'shape': (16, 16)") != std::string::npos);
  CHECK(npy.size() == 128 + 4 * 16 * 16);

  const Outcome words = run(on_best("explain", {"--out", maps.string(), image}));
  check_done(words);
  CHECK(words.out.find("layer batch_normalization_1, map 4 x 4") != std::string::npos);
  const sonograd::Image overlay = sonograd::read_image((maps / "benign (1).png").string());
  CHECK(overlay.height == 6 * 48);  // of the image, not of the network's input

  // 32 pixels leave 4 x 4 places; at 7 or more nothing is said, nor of a layer that was chosen.
  CHECK(words.err ==
        "sonograd: the map is 4 x 4 at this image size, too coarse to show a place; --layer "
        "block3a.expand_activation is finer\n");
  const auto told = [&](const Arguments& more) {
    return run(on_best("explain", with({"--out", maps.string(), image, image}, more))).err;
  };
  CHECK(lines(told({})).size() == 1);
  CHECK(told({"--layer", "block2a_expand_activation"}).empty());
  CHECK(told({"--method", "occlusion"}).empty());

  const std::string none = (folder / "none").string();
  check_refused(run(on_best("explain", {"--out", none, "--layer", "nosuch", image})), 1, {"nosuch"});
  CHECK_FALSE(fs::exists(none));
  check_refused(run(on_best("explain", {"--out", maps.string(), "--class", "3", image})), 2,
                {"--class 3", "benign, normal, malignant"});
}

TEST_CASE(
    "compare-activations agrees with a dump of the same weights and names the first layer under others") {
  const TemporaryFolder folder;
  const std::string weights = (folder / "w.safetensors").string(),
                    dump = (folder / "dump.safetensors").string();
  check_done(run({"init", "--model", "mini", "--image-size", "16", "--out", weights}));
  sonograd::Model model = sonograd::make_model({.name = "mini", .image_size = 16});
  sonograd::load_values(model, weights);
  const sonograd::Tensor images = sonograd::Tensor::filled({2, 16, 16, 3}, 100);
  sonograd::StoredTensors layers{sonograd::stored("input", images)};
  sonograd::Context context{.fuse = false};
  context.on_output = [&](const std::string& path, sonograd::Tensor& y) {
    layers.push_back(sonograd::stored(path, y.copy()));
  };
  model.logits(images, context);
  sonograd::write_safetensors(dump, layers, {});

  const json same = json_from({"compare-activations", "--weights", weights, dump});
  CHECK(same["first"].is_null());
  CHECK(same["layers"].size() == layers.size() - 1);
  CHECK(same["layout"] == "nhwc");
  CHECK(run({"compare-activations", "--weights", weights, dump}).out.find("layers agree within") !=
        std::string::npos);

  const std::string other = (folder / "other.safetensors").string();
  check_done(run({"init", "--model", "mini", "--image-size", "16", "--seed", "7", "--out", other}));
  const Outcome differs = run({"compare-activations", "--weights", other, dump});
  CHECK(differs.status == 1);
  CHECK(differs.err.empty());
  CHECK(differs.out.find("the first layer that differs is stem_conv: ours [2,8,8,8]") != std::string::npos);
  CHECK(json::parse(run({"compare-activations", "--json", "--weights", other, dump}).out)["first"] ==
        "stem_conv");
  check_refused(run({"compare-activations", "--weights", weights, weights}), 1, {"`input`"});
}

TEST_CASE("compare shows what differs between two runs, and nothing between a run and itself") {
  const json same = json_from({"compare", small_run().run, small_run().run});
  CHECK(same["settings"].empty());
  const json answer = json_from({"compare", small_run().run, other_run().string()});
  CHECK(answer["settings"].contains("phases.scratch.learning rate"));
  CHECK(answer["results"].contains("accuracy"));
  CHECK(answer.contains("mcnemar"));
  CHECK(answer["results"].contains("history.scratch.epochs"));
  CHECK_FALSE(answer["results"].contains("history.scratch.seconds"));  // no result
  const Outcome text = run({"compare", small_run().run, other_run().string()});
  check_done(text);
  CHECK(text.out.find("0.002") != std::string::npos);
  for (const std::string& line : lines(text.out)) CHECK(sonograd::display_width(line) <= 100);
  CHECK(text.out.find("class order") != std::string::npos);
  CHECK(answer["results"].contains("per_class.malignant.recall"));
  CHECK(answer["results"].contains("confusion.benign called normal"));
  const Outcome itself = run({"compare", small_run().run, small_run().run});
  CHECK(itself.out.find("results: the same\n") != std::string::npos);
  const Outcome everything = run({"compare", small_run().run, small_run().run, "--all"});
  CHECK(everything.out.find("\nper_class.malignant.recall ") != std::string::npos);
  check_refused(run({"compare", small_run().run, small_run().data}), 1, {small_run().data});
}
