// `sonograd experiment folds`
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("experiment folds tests every image once, and keeps what is finished") {
  const TemporaryFolder folder;
  const std::string out = (folder / "folds").string();
  const Arguments call{"experiment",   "folds", "--data",  small_run().data,
                       "--out",        out,     "--model", "mini",
                       "--image-size", "32",    "--batch", "8",
                       "--epochs",     "1",     "--folds", "3",
                       "--quiet",      "--json"};
  const auto found = [](const Arguments& arguments) {
    const Outcome outcome = run(arguments);
    check_done(outcome);
    return json::parse(outcome.out);
  };
  const json once = found(call);
  CHECK(once["folds"].size() == 3);
  CHECK(once["n"] == 30);
  std::set<std::string> tested;
  for (int k = 1; k <= 3; ++k) {
    const json split =
        json::parse(bytes_of(folder / ("folds/seed-42/fold-" + std::to_string(k) + "/split.json")));
    for (const json& image : split["test"]) CHECK(tested.insert(image["file"].get<std::string>()).second);
  }
  CHECK(tested.size() == 30);
  const auto before = fs::last_write_time(folder / "folds/seed-42/fold-2/metrics.json");
  const json twice = found(with(call, {"--runs", "2"}));
  CHECK(twice["n"] == 60);
  CHECK(twice["folds"][1] == once["folds"][1]);
  CHECK(fs::last_write_time(folder / "folds/seed-42/fold-2/metrics.json") == before);
  check_refused(run(with(call, {"--lr", "0.5"})), 1, {out, "learning_rates"});
  const Outcome other = run(with(call, {"--device", "auto", "--any-order"}));
  CHECK(other.status == 1);
  CHECK(other.err.find("another any_order (false, not true)") != std::string::npos);
  check_refused(run(with(call, {"--fold", "1"})), 2, {"--fold"});
}
