#include "report/run_folder.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>

#include "base/file.h"
#include "report/compare.h"
#include "report/history.h"
#include "report/manifest.h"
#include "report/metrics.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

Manifest sample_manifest() {
  Manifest m;
  m.command = "sonograd train --model mini";
  m.model = "mini";
  m.seed = 18446744073709551615u;
  m.flags = {{"lr", "0.001"}, {"batch", "16"}};
  m.classes = {{"benign", 350, 43, 44}, {"normal", 106, 14, 13}};
  m.bad_files = {{"benign/x.png", "truncated \"file\""}};
  m.phases = {{"transfer", {{"epochs", "30"}}}};
  m.machine = {"a processor", "a system", 2, 7.75};
  m.threads = 2;
  m.started = "2026-01-31T12:00:00Z";
  m.resumed = {{"sonograd train --resume", "2026-02-01T12:00:00Z", 1, "avx2"}};
  return m;
}

}  // namespace

TEST_CASE("a folder in which another process is at work is refused, also to resume") {
  const TemporaryFolder folder;
  const fs::path path = folder / "run";
  fs::create_directory(path);
  const int other =
      ::open(path.c_str(), O_RDONLY | O_DIRECTORY);  // a lock of its own, as another process has
  REQUIRE(::flock(other, LOCK_EX) == 0);
  CHECK(error_of([&] { RunFolder::create(path, true); }) ==
        "another process is at work in " + path.string() + "; wait for its end or choose another folder");
  ::close(other);
  CHECK_NOTHROW(RunFolder::create(path, true));
  CHECK_NOTHROW(RunFolder::create(path, true));  // it is ours
}

TEST_CASE("a run folder is never taken over without being asked") {
  const TemporaryFolder folder;
  const fs::path path = folder / "a" / "run";
  const std::string name = path.string();
  const RunFolder run = RunFolder::create(path);
  CHECK_NOTHROW(RunFolder::create(path));
  write_file_atomically(path / "manifest.json.tmp", "cut short");
  CHECK_NOTHROW(RunFolder::create(path, true));

  write_file_atomically(run.manifest(), "{}");
  CHECK(error_of([&] { RunFolder::create(path); }) ==
        name + " holds a run that did not finish; resume it or choose another folder");
  CHECK_NOTHROW(RunFolder::create(path, true));
  for (const char* weights : {"best.safetensors", "last.safetensors", "generator.safetensors"}) {
    write_file_atomically(path / weights, "hours of work");
    for (const bool resume : {false, true})
      CHECK(error_of([&] { RunFolder::create(path, resume); }) ==
            name +
                " holds trained weights, but neither the checkpoint.safetensors to go on from nor the "
                "metrics.json of a finished run; put it back or choose another folder");
    write_file_atomically(run.checkpoint(), "state");
    CHECK_NOTHROW(RunFolder::create(path, true));
    fs::remove(run.checkpoint());
    fs::remove(path / weights);
  }
  write_file_atomically(run.metrics(), "{}");
  CHECK(error_of([&] { RunFolder::create(path); }) ==
        name + " holds a finished run; choose another folder for this one");

  fs::remove(run.manifest());
  fs::remove(run.metrics());
  write_file_atomically(path / "letter.txt", "mine");
  for (const bool resume : {false, true}) {
    CHECK(error_of([&] { RunFolder::create(path, resume); }) ==
          name + " is not empty and holds no run; choose another folder");
  }
  CHECK(error_of([&] { RunFolder::create(path / "letter.txt"); }) ==
        "cannot make the run folder " + (path / "letter.txt").string() +
            ": a file has that name; choose another");
  CHECK(error_of([&] { RunFolder::create(path / "letter.txt" / "run"); }).find("cannot make the folder") ==
        0);
  CHECK(error_of([&] { RunFolder::open(path); }) ==
        name + " holds no run: manifest.json is missing; check the path");
}

TEST_CASE("history, predictions and the manifest read back as they were written") {
  const TemporaryFolder folder;
  const fs::path csv = folder / "x.csv", json = folder / "x.json";
  write_history(
      csv, {{"transfer", 1, 1.0 / 3, 0.5, 0.25, 1, 12.5}, {"finetune", 1, 2, 0, Epoch::nan, Epoch::nan, 1}});
  CHECK(read_file(csv) ==
        "phase,epoch,loss,accuracy,val_loss,val_accuracy,seconds\n"
        "transfer,1,0.333333333,0.5,0.25,1,12.5\nfinetune,1,2,0,,,1\n");
  const History history = read_history(csv);
  CHECK(history[0].loss == 0.333333333);
  CHECK(std::isnan(history[1].val_loss));
  write_file_atomically(csv, "phase,epoch\ntransfer,1\n");
  CHECK(error_of([&] { read_history(csv); }).find("the columns are not those of a history") !=
        std::string::npos);

  write_predictions(csv, {"benign", "normal"}, {{"benign/a, b.png", 0, 1, {0.25, 0.75}}});
  CHECK(read_file(csv) == "file,true,predicted,benign,normal\n\"benign/a, b.png\",benign,normal,0.25,0.75\n");
  CHECK(read_predictions(csv).rows[0].predicted == 1);
  write_file_atomically(csv, "file,true,predicted,benign,normal\nx,cyst,normal,0,1\n");
  CHECK(error_of([&] { read_predictions(csv); }) ==
        csv.string() + ": the label 'cyst' is not one of the classes benign, normal");

  write_file_atomically(csv, "file,true,predicted,benign,normal\nx,benign,normal,0,1\nx,benign,normal,0,1\n");
  CHECK(error_of([&] { read_predictions(csv); }) == csv.string() + ": x is there twice");

  for (const char* broken : {"", "nan", "0.2x", "-0.5", "2"}) {  // a NaN equals nothing, itself included
    write_file_atomically(csv,
                          fmt::format("file,true,predicted,benign,normal\nx,benign,normal,{},1\n", broken));
    CHECK(error_of([&] { read_predictions(csv); }).find(csv.string() + ": ") == 0);
  }

  write_file_atomically(json, manifest_json(sample_manifest()));
  CHECK(manifest_json(read_manifest(json)) == manifest_json(sample_manifest()));
  CHECK(read_manifest(json).seed == 18446744073709551615u);
  write_file_atomically(json, "[]");
  CHECK(error_of([&] { read_manifest(json); }).find("not a manifest of a run") != std::string::npos);
}

TEST_CASE("two runs are compared in settings, results and image by image") {
  const TemporaryFolder folder;
  const auto write_run = [&](const char* name, const std::string& rate, const std::vector<Int>& predicted) {
    const RunFolder run = RunFolder::create(folder / name);
    Manifest m = sample_manifest();
    m.flags[0].second = rate;
    m.started = name;
    write_file_atomically(run.manifest(), manifest_json(m));
    const std::vector<std::string> classes = {"benign", "normal"};
    std::vector<Prediction> rows;
    std::vector<Int> truth;
    for (std::size_t i = 0; i < predicted.size(); ++i) {
      truth.push_back(static_cast<Int>(i % 2));
      const double sure = 0.1 + 0.05 * static_cast<double>(i);
      const double benign = predicted[i] == 0 ? 0.5 + sure : 0.5 - sure;
      rows.push_back({fmt::format("{}.png", i), truth[i], predicted[i], {benign, 1 - benign}});
    }
    if (predicted[0] == 1) std::reverse(rows.begin(), rows.end());  // images are found by name, not by place
    write_file_atomically(run.metrics(), metrics_json(measure(classes, truth, predicted)));
    write_predictions(run.predictions(), classes, rows);
    write_history(run.history(), {{"transfer", 1, 1, .5, 1, .5, 2}, {"transfer", 2, 1, .5, 1, .75, 2}});
  };
  write_run("first", "0.001", {0, 1, 0, 1, 0, 1});
  write_run("second", "0.01", {1, 0, 0, 1, 0, 1});
  const RunComparison c = compare_runs(folder / "first", folder / "second");
  REQUIRE(c.settings.rows.size() == 1);
  CHECK(c.settings.rows[0] == std::vector<std::string>{"flags.lr", "0.001", "0.01"});
  CHECK(c.results.rows[1] == std::vector<std::string>{"correct", "6", "4", "-2"});
  REQUIRE(c.test.has_value());
  CHECK(c.test->only_first == 2);
  CHECK(c.test->both_right == 4);
  CHECK(c.test->p == doctest::Approx(0.5));
  CHECK(c.json().find("\"mcnemar\": {") != std::string::npos);
  CHECK(c.text().find("p = 0.5") != std::string::npos);
  REQUIRE(c.aucs.size() == 2);
  CHECK(c.aucs[0].first == "benign");
  CHECK(c.aucs[0].second.first == doctest::Approx(1.0));
  CHECK(c.aucs[0].second.second == doctest::Approx(8.0 / 9.0));
  CHECK(c.text().find("DeLong, benign against the rest: AUC 1.000 and 0.889, p = ") != std::string::npos);

  write_history(RunFolder::at(folder / "second").history(),  // without validation images
                {{"transfer", 1, 1, .5, Epoch::nan, Epoch::nan, 2}});
  const auto rows = compare_runs(folder / "first", folder / "second").results.rows;
  const auto best = std::find_if(rows.begin(), rows.end(), [](const auto& row) {
    return row[0].find("best val_accuracy") != std::string::npos;
  });
  REQUIRE(best != rows.end());
  CHECK((*best)[1] == "0.75");
  CHECK((*best)[2] == "–");

  const auto test_images = [&](const char* run, const char* hash) {
    write_file_atomically(folder / run / "split.json",
                          fmt::format(R"({{"test": [{{"file": "0.png", "sha256": "{}"}}]}})", hash));
  };
  test_images("first", "aa");
  test_images("second", "aa");
  CHECK(compare_runs(folder / "first", folder / "second").test.has_value());
  test_images("second", "bb");
  const RunComparison strange = compare_runs(folder / "first", folder / "second");
  CHECK_FALSE(strange.test.has_value());
  CHECK(strange.aucs.empty());
  CHECK(strange.no_test == "0.png is another image in the second run");

  for (const char* broken : {"[]", R"({"test": [7]})", R"({"test": [{"file": 7}]})", "{"}) {
    write_file_atomically(folder / "second" / "split.json", broken);
    CHECK(compare_runs(folder / "first", folder / "second").test.has_value());
  }

  write_run("third", "0.001", {0, 1, 0, 1});
  const RunComparison other = compare_runs(folder / "first", folder / "third");
  CHECK_FALSE(other.test.has_value());
  CHECK(other.no_test == "the test images differ in number");
}
