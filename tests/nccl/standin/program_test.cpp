// `mpirun sonograd train --device gpu` as a user runs it.
#include <doctest/doctest.h>

#include <chrono>
#include <cmath>
#include <csignal>
#include <cstdlib>

#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

namespace {

Limits launched(int processes) {
  return {.launcher = {"mpirun", "-np", std::to_string(processes)}};
}

// In batches of 7 images, of which the two processes have 4 and 3.
Arguments steps(const std::string& data, const std::string& out, const Arguments& more = {}) {
  return with({"train", "--device", "gpu", "--data", data, "--out", out, "--model", "mini", "--image-size",
               "16", "--batch", "7", "--quiet", "--optimizer", "sgd", "--threads", "1", "--sync-batch-norm"},
              more);
}

std::vector<std::string> said(const Outcome& outcome) {
  std::vector<std::string> ours;
  for (const std::string& line : lines(outcome.err))
    if (line.rfind("sonograd: ", 0) == 0) ours.push_back(line);
  return ours;
}

}  // namespace

TEST_CASE("several processes train on a gpu each, as one does with the whole batch") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  const auto out = [&](const char* name) { return (folder / name).string(); };
  check_done(run({"data", "phantom", data, "--count", "30", "--size", "32"}));
  const Arguments training{"--epochs", "1", "--lr", "1e-2"};
  check_done(run(without(steps(data, out("alone"), training), "--sync-batch-norm")));
  check_done(run(steps(data, out("shared"), training), launched(2)));
  const json alone = json::parse(bytes_of(folder / "alone" / "metrics.json")),
             shared = json::parse(bytes_of(folder / "shared" / "metrics.json"));
  CHECK(std::abs(shared.at("loss").get<double>() - alone.at("loss").get<double>()) <= 1e-5);
  CHECK(shared.at("confusion") == alone.at("confusion"));
  const json manifest = json::parse(bytes_of(folder / "shared" / "manifest.json"));
  CHECK(manifest.at("flags").at("order of sums over the processes").get<std::string>().find("NCCL 2.28.9") ==
        0);
  CHECK(manifest.at("device").get<std::string>().find("gpu: ") == 0);

  // More processes than gpus are refused in one line.
  {
    const Outcome refused = run(steps(data, out("never"), training), launched(3));
    CHECK(refused.status == 1);
    REQUIRE(said(refused).size() == 1);
    CHECK(said(refused)[0].find("this is process 3 of its machine, which has 2 gpus") != std::string::npos);
  }
  // Where some have none, auto does not part them.
  {
    const Outcome refused = run(with(steps(data, out("never"), training), {"--device", "auto"}), launched(3));
    CHECK(refused.status == 1);
    REQUIRE(said(refused).size() == 1);
    CHECK(said(refused)[0].find("2 of 3 processes have a gpu") != std::string::npos);
  }
  // Train --steps goes over NCCL too, and minds that all train alike.
  {
    const Arguments fixed{"--steps", "3", "--no-shuffle", "--lr", "1e-2", "--log-steps"};
    check_done(run(without(steps(data, out("one"), with(fixed, {out("one.csv")})), "--sync-batch-norm")));
    check_done(run(steps(data, out("two"), with(fixed, {out("two.csv")})), launched(2)));
    const auto one = lines(bytes_of(folder / "one.csv")), two = lines(bytes_of(folder / "two.csv"));
    REQUIRE(one.size() == 4);
    REQUIRE(two.size() == 4);
    for (std::size_t i = 1; i < 4; ++i)
      CHECK(std::abs(std::stod(one[i].substr(2)) - std::stod(two[i].substr(2))) <= 1e-5);
    const Arguments own = with(steps(data, out("never"), with(fixed, {out("never.csv")})), {"--seed", "8"});
    const Arguments theirs = steps(data, out("never"), with(fixed, {out("never.csv")}));
    const auto start = std::chrono::steady_clock::now();
    const Outcome refused =
        run(with(with(own, {":", "-np", "1", std::getenv("SONOGRAD_PROGRAM")}), theirs), launched(1));
    // A minute is what the stand-in's NCCL takes for an end that never comes.
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(50));
    CHECK(refused.status == 1);
    REQUIRE(said(refused).size() == 1);
    for (const char* words : {"process 2 of 2", "it has seed 42", "the first has seed 8"})
      CHECK(said(refused)[0].find(words) != std::string::npos);
  }
}

TEST_CASE("a signal to all stops them with the checkpoint saved, and the run goes on to the same bits") {
  const TemporaryFolder folder;
  const std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", "30", "--size", "32"}));
  const auto training = [&](const char* name) {
    return steps(data, (folder / name).string(), {"--epochs", "3", "--lr", "1e-2"});
  };
  check_done(run(training("whole"), launched(2)));
  Limits limits = launched(2);
  limits.signal = 0;
  limits.kill_when = [&] {
    if (!std::filesystem::exists(folder / "broken" / "history.csv")) return false;
    const pid_t process = process_of(1, folder / "broken");
    return process > 0 && ::kill(process, SIGTERM) == 0;
  };
  const Outcome stopped = run(training("broken"), limits);
  CAPTURE(stopped.err);
  CHECK(stopped.status != 0);
  REQUIRE(said(stopped).size() == 1);
  CHECK(said(stopped)[0].find("stopped at step") != std::string::npos);
  CHECK_FALSE(std::filesystem::exists(folder / "broken" / "metrics.json"));
  check_done(run(with(training("broken"), {"--resume"}), launched(2)));
  CHECK(bytes_of(folder / "broken" / "best.safetensors") == bytes_of(folder / "whole" / "best.safetensors"));
}
