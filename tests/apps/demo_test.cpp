#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// What the page's attributes of that name point to.
std::vector<std::string> targets(const std::string& page, const std::string& attribute) {
  std::vector<std::string> found;
  const std::string opening = " " + attribute + "=\"";
  for (auto at = page.find(opening); at != std::string::npos; at = page.find(opening, at + 1)) {
    const auto begin = at + opening.size();
    found.push_back(page.substr(begin, page.find('"', begin) - begin));
  }
  return found;
}

}  // namespace

TEST_CASE("demo draws its images, trains, tests, explains and reports in one page") {
  const TemporaryFolder folder;
  const fs::path out = folder / "demo";
  const Outcome outcome = run({"demo", "--out", out.string(), "--model", "mini", "--phantoms", "30",
                               "--image-size", "32", "--epochs", "1", "--batch", "8"});
  check_done(outcome);
  CHECK(outcome.out.find("test accuracy") != std::string::npos);
  CHECK(outcome.out.find("linear classifier") != std::string::npos);
  CHECK(outcome.err.find('\r') == std::string::npos);  // no terminal: no bar that is drawn anew, plain lines
  CHECK(outcome.err.find("\nscratch 1/1 · loss ") != std::string::npos);
  CHECK(outcome.err.find("val_accuracy") != std::string::npos);
  const std::string next = lines(outcome.out).back();  // which can be run as it stands
  CHECK(next.find(" explain --weights " + (out / "best.safetensors").string()) != std::string::npos);
  const auto quote = next.find('\'');
  CHECK(fs::exists(next.substr(quote + 1, next.size() - quote - 2)));
  const json found = json::parse(bytes_of(out / "metrics.json"));
  CHECK((outcome.out.find("no better than always benign") != std::string::npos) == (found["correct"] <= 1));
  CHECK(json::parse(bytes_of(out / "metrics.json"))["n"] == 3);

  const std::string page = bytes_of(out / "report.html");
  const auto pictures = targets(page, "src");
  CHECK(pictures.size() >= 3);
  for (const std::string& target : pictures) CHECK(target.rfind("data:", 0) == 0);
  for (const std::string& target : targets(page, "href")) CHECK(target.rfind('#', 0) == 0);
  for (const char* beyond : {"@import", "url(http", "url(//"}) CHECK(page.find(beyond) == std::string::npos);
  CHECK(page.find("confusion") != std::string::npos);
  CHECK_FALSE(fs::is_empty(out / "explanations"));
}

TEST_CASE("demo --resume goes on with the pictures that were drawn") {
  const TemporaryFolder folder;
  const fs::path out = folder / "demo";
  const Arguments command = {"demo",         "--out", out.string(), "--model", "mini",    "--phantoms", "30",
                             "--image-size", "32",    "--epochs",   "60",      "--batch", "8"};
  REQUIRE(run(command, {.kill_when = [&] { return fs::exists(out / "history.csv"); }}).status != 0);
  const auto pictures = contents(out / "phantoms" / "benign");
  const auto drawn = fs::last_write_time(out / "phantoms" / "benign");
  check_refused(run(command), 1, {"holds a run that did not finish; resume it"});
  check_done(run(with(command, {"--resume"})));
  CHECK(contents(out / "phantoms" / "benign") == pictures);
  CHECK(fs::last_write_time(out / "phantoms" / "benign") == drawn);
  CHECK(fs::exists(out / "report.html"));
}

TEST_CASE("demo draws nothing for flags that cannot work") {
  const TemporaryFolder folder;
  const std::string out = (folder / "demo").string();
  check_refused(run({"demo", "--out", out, "--device", "gpu"},
                    {.launcher = {"/usr/bin/env", "CUDA_VISIBLE_DEVICES="}}),  // where there is one, none
                1, {"--device gpu: ", "; use --device cpu"});
  check_refused(run({"demo", "--out", out, "--model", "nosuch"}), 2, {"no model is called nosuch"});
  check_refused(run({"demo", "--out", out, "--model", "xception", "--image-size", "32"}), 2,
                {"the least is 71"});
  check_refused(run({"demo", "--out", out, "--weights", "nowhere.h5"}), 1, {"nowhere.h5"});
  CHECK_FALSE(fs::exists(out));
}

TEST_CASE("demo with weights trains the paper's two phases at their image size") {
  const TemporaryFolder folder;
  const fs::path out = folder / "demo";
  const SmallRun& small = small_run();
  check_done(run({"demo", "--out", out.string(), "--data", small.data, "--weights", small.best, "--model",
                  "mini", "--epochs", "1", "--batch", "8", "--quiet"}));
  const auto history = lines(bytes_of(out / "history.csv"));
  REQUIRE(history.size() == 3);
  CHECK(history[1].rfind("transfer,1,", 0) == 0);
  CHECK(history[2].rfind("finetune,1,", 0) == 0);
  CHECK(json::parse(bytes_of(out / "manifest.json"))["flags"]["image-size"] == "32");
}
