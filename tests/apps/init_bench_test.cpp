#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;

TEST_CASE("init draws weights from the seed alone") {
  const TemporaryFolder folder;
  const auto init = [&](const std::string& name, const Arguments& more) {
    const std::string file = (folder / name).string();
    const Outcome outcome = run(with({"init", "--model", "mini", "--out", file}, more));
    check_done(outcome);
    CHECK(outcome.out.empty());
    return bytes_of(file);
  };
  const std::string first = init("a.safetensors", {"--seed", "5"});
  CHECK((init("b.safetensors", {"--seed", "5", "--threads", "1"}) == first));
  CHECK((init("c.safetensors", {"--seed", "6"}) != first));
  const auto values = values_of(folder / "a.safetensors");
  CHECK(values.at("stem_bn.gamma") == std::vector<double>(8, 1.0));
  CHECK(values.at("stem_conv.kernel").size() == 3 * 3 * 3 * 8);
  const std::string told = (folder / "e.npz").string();
  const Outcome outcome = run({"init", "--model", "mini", "--seed", "5", "--out", told, "--json"});
  check_done(outcome);
  CHECK(json::parse(outcome.out) ==
        json{{"model", "mini"}, {"seed", 5}, {"tensors", values.size()}, {"file", told}});
  CHECK(values_of(told) == values);
  check_refused(run({"init", "--out", (folder / "d").string()}), 2, {"--model"});
  check_refused(run({"init", "--model", "mini", "--out", (folder / "d").string(), "--weights", "x"}), 2,
                {"--weights"});
}

TEST_CASE("bench times the DCGAN") {
  for (const char* what : {"infer", "train"}) {
    const Outcome outcome = run({"bench", "--model", "dcgan", "--what", what, "--batch", "2", "--image-size",
                                 "16", "--repeat", "1", "--threads", "1", "--json"});
    check_done(outcome);
    CHECK(json::parse(outcome.out)["median_ms"] > 0);
  }
  check_refused(run({"bench", "--model", "dcgan", "--what", "finetune"}), 2, {"finetune", "infer and train"});
}

TEST_CASE("bench tells what the system itself worked in the first step") {
  const Outcome outcome = run({"bench", "--model", "mini", "--what", "train", "--batch", "8", "--image-size",
                               "224", "--repeat", "1", "--threads", "1", "--json"});
  check_done(outcome);
  const json found = json::parse(outcome.out);
  // Pages are new: some of it, and no more than one thread has.
  CHECK(found["first_system_ms"] > 0);
  CHECK(found["first_system_ms"] < found["first_ms"].get<double>());
}

TEST_CASE("bench times inference and each kind of step") {
  for (const char* what : {"infer", "train", "finetune", "transfer", "cached"}) {
    const Outcome outcome = run({"bench", "--model", "mini", "--what", what, "--batch", "2", "--image-size",
                                 "32", "--repeat", "3", "--json"});
    check_done(outcome);
    CHECK(outcome.err.empty());
    const json found = json::parse(outcome.out);
    CHECK(found["what"] == what);
    for (const char* key : {"median_ms", "min_ms", "first_ms", "peak_mb", "pool_peak_mb", "gflops"}) {
      CAPTURE(key);
      CHECK(found[key] > 0);
    }
    CHECK(found["min_ms"] <= found["median_ms"]);
    CHECK(found["device"] == "cpu");
  }
  const TemporaryFolder folder;
  const std::string figure = (folder / "roofline.svg").string();
  const Outcome table = run({"bench", "--model", "mini", "--batch", "1", "--image-size", "32", "--repeat",
                             "1", "--ops", "--roofline", figure});
  check_done(table);
  CHECK(table.out.find("conv2d") != std::string::npos);
  CHECK(table.out.find("32 x 32, cpu, ") != std::string::npos);
  CHECK(bytes_of(figure).find("  conv2d<") != std::string::npos);
  for (const char* dtype : {"bf16", "f16"})
    check_done(run({"bench", "--model", "mini", "--what", "train", "--dtype", dtype, "--batch", "2",
                    "--image-size", "32", "--repeat", "1"}));
  check_done(run({"bench", "--what", "data", "--data", small_run().data, "--batch", "4", "--image-size", "32",
                  "--repeat", "1"}));
  check_refused(run({"bench", "--what", "data"}), 2, {"--data DIR"});
  check_refused(run({"bench", "--model", "mini", "--dtype", "bf16"}), 2, {"bf16", "--what train"});
  check_refused(run({"bench", "--model", "dcgan", "--what", "train", "--recompute"}), 2,
                {"--recompute is of a classifier's training step: leave it out"});
}
