// `mpirun sonograd train` as a user runs it.
#include <doctest/doctest.h>

#include <csignal>
#include <cstring>
#include <fstream>
#include <sstream>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

Arguments mpirun(int processes) {
  return {"mpirun", "-np", std::to_string(processes)};
}

Limits launched(int processes) {
  return {.launcher = mpirun(processes)};
}

// Two phases of two epochs of five batches of 4, the last of 2: of four processes two have no image of it.
Arguments training(const fs::path& out, const Arguments& more = {}) {
  return small_run().small_training(
      out.string(), with({"--phases", "scratch,finetune", "--lr", "1e-3,1e-4", "--threads", "1",
                          "--checkpoint-steps", "2", "--keep-checkpoint"},
                         more));
}

std::vector<std::vector<double>> history_of(const fs::path& run) {
  std::vector<std::vector<double>> rows;
  const auto csv = lines(bytes_of(run / "history.csv"));
  for (std::size_t i = 1; i < csv.size(); ++i) {
    std::istringstream line(csv[i]);
    std::vector<double> row;
    for (std::string cell; std::getline(line, cell, ',');)
      if (!cell.empty() && std::isdigit(static_cast<unsigned char>(cell[0])) != 0)
        row.push_back(std::stod(cell));
    row.pop_back();  // seconds
    rows.push_back(row);
  }
  return rows;
}

json manifest_of(const fs::path& run) {
  return json::parse(bytes_of(run / "manifest.json"));
}

// Our lines: mpirun adds its own words to a failure.
std::vector<std::string> said(const Outcome& outcome) {
  std::vector<std::string> ours;
  for (const std::string& line : lines(outcome.err))
    if (line.rfind("sonograd: ", 0) == 0) ours.push_back(line);
  return ours;
}

void check_one_line(const Outcome& outcome, int status, const std::string& words) {
  CAPTURE(outcome.err);
  CHECK(outcome.status == status);
  CHECK(outcome.out.empty());
  REQUIRE(said(outcome).size() == 1);
  CHECK(said(outcome)[0].find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("four processes leave one run behind, with one process's curve and test results") {
  const fs::path alone = small_run().folder / "alone", shared = small_run().folder / "shared";
  check_done(run(training(alone)));
  const Outcome outcome = run(training(shared, {"--sync-batch-norm"}), launched(4));
  check_done(outcome);
  CHECK(times("report: ", outcome.out) == 1);
  CHECK(outcome.err.empty());
  const auto expected = history_of(alone), found = history_of(shared);
  REQUIRE(expected.size() == 4);
  REQUIRE(found.size() == 4);
  for (std::size_t e = 0; e < 4; ++e)
    for (std::size_t k = 0; k < expected[e].size(); ++k)
      CHECK(std::abs(found[e][k] - expected[e][k]) <= 1e-5 * std::max(1.0, expected[e][k]));
  const json ours = json::parse(bytes_of(shared / "metrics.json")),
             one = json::parse(bytes_of(alone / "metrics.json"));
  CHECK(ours["accuracy"] == one["accuracy"]);
  CHECK(ours["confusion"] == one["confusion"]);
  CHECK(manifest_of(shared)["flags"]["processes"] == "4");
  CHECK(manifest_of(shared)["flags"]["batch-norm statistics"] == "of the whole batch");
  CHECK(manifest_of(alone)["flags"]["processes"] == "1");
  CHECK(contents(alone).size() == contents(shared).size());
}

TEST_CASE("without synchronised norms the manifest says that the curve is another") {
  const fs::path out = small_run().folder / "unsynchronised";
  check_done(run(training(out, {"--epochs", "1"}), launched(2)));
  CHECK(manifest_of(out)["flags"]["batch-norm statistics"] ==
        "of each process's part of the batch where norms train, so the curve is not one process's");
}

TEST_CASE("what fails in all processes or in one ends all with one line") {
  const fs::path out = small_run().folder / "never";
  check_one_line(run(training(out, {"--bogus"}), launched(4)), 2, "takes no --bogus");
  check_one_line(run({"zoo"}, launched(2)), 2, "several processes run `train` alone");
  check_one_line(run(training(out, {"--transfer", "cached", "--augment", "flip"}), launched(2)), 2,
                 "--transfer");
  check_one_line(run(training(small_run().run), launched(2)), 1, small_run().run);
  CHECK_FALSE(fs::exists(out));
  Arguments other =
      training(out, {"--seed", "8", ":", "-np", "1", std::string(SONOGRAD_BINARY_DIR) + "/apps/sonograd"});
  check_one_line(run(with(other, training(out)), launched(1)), 1, "seed 7");
}

TEST_CASE("a killed process takes the others with it, and the run goes on with --resume to the same bits") {
  const fs::path whole = small_run().folder / "whole", broken = small_run().folder / "broken";
  check_done(run(training(whole), launched(2)));
  for (const int signal : {SIGKILL, SIGTERM}) {  // SIGTERM to all of them: the step is finished and saved
    CAPTURE(signal);
    fs::remove_all(broken);
    Limits limits = launched(2);
    limits.signal = 0;
    limits.kill_when = [&] {
      const pid_t process = checkpoint_step(broken) >= 2 ? process_of(1, broken) : 0;
      return process > 0 && ::kill(process, signal) == 0;
    };
    const Outcome outcome = run(training(broken), limits);
    CAPTURE(outcome.err);
    CHECK(outcome.status != 0);
    CHECK(said(outcome).size() == (signal == SIGTERM ? 1 : 0));
    CHECK_FALSE(fs::exists(broken / "metrics.json"));
    check_one_line(run(training(broken, {"--resume"}), launched(4)), 1, "processes 4");
    check_done(run(training(broken, {"--resume"}), launched(2)));
    CHECK((values_of(broken / "best.safetensors") == values_of(whole / "best.safetensors")));
    CHECK(history_of(broken) == history_of(whole));
  }
}
