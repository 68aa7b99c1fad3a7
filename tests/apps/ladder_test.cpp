// `sonograd experiment ladder`: what is learned from labels that mean nothing was leaked.
#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "data/decode.h"
#include "data/folder.h"
#include "data/png.h"
#include "tests/apps/program.h"

using namespace program;
using nlohmann::json;

namespace {

// Learning a training set by heart takes minutes under a sanitizer; there one short run walks the same paths.
#if defined(__has_feature)
constexpr bool sanitized = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer);
#else
constexpr bool sanitized = false;
#endif

// 60 phantoms, each with a darker twin.
std::string twins(const TemporaryFolder& folder) {
  std::string data = (folder / "data").string();
  check_done(run({"data", "phantom", data, "--count", "60", "--size", "48", "--quiet"}));
  for (const sonograd::LabelledFile& sample : sonograd::list_folder(data).samples) {
    const auto file = std::filesystem::path(data) / sample.file;
    sonograd::Image twin = sonograd::read_image(file);
    for (std::uint8_t& value : twin.pixels) value = static_cast<std::uint8_t>(0.85 * value);
    sonograd::write_png(file.parent_path() / ("twin of " + file.filename().string()), twin);
  }
  return data;
}

std::map<std::string, json> rungs(const Arguments& call) {
  return answer_by(call, "rungs", "protocol");
}

}  // namespace

TEST_CASE("with random labels the honest rung scores chance, and the leaky one well above") {
  const TemporaryFolder folder;
  const std::string data = twins(folder), out = (folder / "ladder").string();
  const Arguments call{"experiment",
                       "ladder",
                       "--data",
                       data,
                       "--out",
                       out,
                       "--arm",
                       "original",
                       "--model",
                       "mini",
                       "--image-size",
                       "32",
                       "--epochs",
                       sanitized ? "2" : "30",
                       "--batch",
                       "8",
                       "--random-labels",
                       "--runs",
                       sanitized ? "1" : "3",
                       "--quiet",
                       "--json"};
  const Outcome climbed = run(without(call, "--quiet"));
  check_done(climbed);
  CHECK(times("looking for near duplicates", climbed.err) == 1);  // for all runs of all rungs
  const auto found = rungs(call);
  REQUIRE(found.size() == 4);
  if (!sanitized) {
    const auto accuracy = [&](const char* rung) { return found.at(rung).at("accuracy").get<double>(); };
    // 18 pairs of twins on each rung: chance is 1/3 ± 0.11, so these bounds are three deviations away
    CHECK(found.at("grouped").at("n") == 36);
    CHECK(accuracy("derived-first") > 0.65);
    CHECK(accuracy("grouped") < 0.65);
    CHECK(accuracy("grouped") < accuracy("derived-first") - 0.1);
    CHECK(found.at("twins-apart").at("change").get<double>() < -0.1);
  }
  CHECK(found.at("conflicts-out").at("n") == found.at("twins-apart").at("n"));  // twins were dealt one label
  for (const char* file : {"report.html", "ladder.csv", "ladder.svg", "summary.json"})
    CHECK_MESSAGE(std::filesystem::exists(std::filesystem::path(out) / file), file);
  CHECK(lines(bytes_of(out + "/ladder.csv")).size() == 5);

  // nothing is computed twice, and the labels are found again where a run is judged afterwards
  const auto runs = contents(std::filesystem::path(out) / "grouped");
  CHECK(rungs(call) == found);
  CHECK(contents(std::filesystem::path(out) / "grouped") == runs);
  const Outcome judged = run({"evaluate", "--run", out + "/derived-first/seed-42", "--quiet", "--json"});
  check_done(judged);
  const json metrics = json::parse(bytes_of(out + "/derived-first/seed-42/metrics.json"));
  CHECK(json::parse(judged.out).at("correct") == metrics.at("correct"));
}

TEST_CASE("the ladder refuses in one line what it cannot climb") {
  const TemporaryFolder folder;
  const std::string out = (folder / "ladder").string();
  const auto ladder = [&](const Arguments& more) {
    return run(with({"experiment", "ladder", "--data", folder.path.string(), "--out", out}, more));
  };
  check_refused(ladder({"--arm", "gan"}), 2, {"--generated"});
  check_refused(ladder({"--generated-apart", "pictures"}), 2, {"--arm gan"});
  check_refused(ladder({"--arm", "gan", "--generated", "a", "--generated-apart", "b", "--runs", "2"}), 2,
                {"--runs", "one split"});
  check_refused(ladder({"--model", "resnet"}), 2, {"resnet"});
  CHECK_FALSE(std::filesystem::exists(out));
}
