// `sonograd data`: phantom, split, audit.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/apps/small_run.h"

using namespace program;
using nlohmann::json;
namespace fs = std::filesystem;

TEST_CASE("data phantom draws images and masks with BUSI's names, the same for the same seed") {
  const TemporaryFolder folder;
  const auto draw = [&](const std::string& name, const Arguments& more) {
    const Outcome outcome = run(
        with({"data", "phantom", (folder / name).string(), "--count", "7", "--size", "32", "--json"}, more));
    check_done(outcome);
    CHECK(json::parse(outcome.out)["count"] == 7);
    return contents(folder / name);
  };
  const auto first = draw("first", {"--seed", "3"});
  std::vector<std::string> names;
  names.reserve(first.size());
  for (const auto& [name, bytes] : first) names.push_back(name);
  CHECK(names == std::vector<std::string>{"benign/benign (1).png", "benign/benign (1)_mask.png",
                                          "benign/benign (2).png", "benign/benign (2)_mask.png",
                                          "benign/benign (3).png", "benign/benign (3)_mask.png",
                                          "malignant/malignant (1).png", "malignant/malignant (1)_mask.png",
                                          "malignant/malignant (2).png", "malignant/malignant (2)_mask.png",
                                          "normal/normal (1).png", "normal/normal (1)_mask.png",
                                          "normal/normal (2).png", "normal/normal (2)_mask.png"});
  CHECK((draw("again", {"--seed", "3"}) == first));
  CHECK((draw("other", {"--seed", "4"}) != first));
}

TEST_CASE("data phantom makes no folder where it can draw nothing") {
  const TemporaryFolder folder;
  const std::string out = (folder / "p").string();
  check_refused(run({"data", "phantom", out, "--size", "1"}), 1, {"16 to 4096 pixels a side, not 1"});
  check_refused(run({"data", "phantom", out, "--count", "2"}), 1, {"3 or more"});
  CHECK_FALSE(fs::exists(out));
  fs::create_directories(folder / "p/normal");
  write(folder / "p/normal/normal (1).png", "a scan");
  check_refused(run({"data", "phantom", out, "--count", "3"}), 1, {out + " is not empty"});
  CHECK(bytes_of(folder / "p/normal/normal (1).png") == "a scan");
  CHECK_FALSE(fs::exists(folder / "p/benign"));
}

TEST_CASE("data split shares each class out, by seed, protocol and order") {
  const TemporaryFolder folder;
  const std::string& data = small_run().data;
  const auto split = [&](const std::string& name, const Arguments& more) {
    const std::string file = (folder / name).string();
    const Outcome outcome = run(with({"data", "split", data, "--out", file, "--json"}, more));
    check_done(outcome);
    const json counts = json::parse(outcome.out);
    CHECK(counts["train"] == 24);
    CHECK(counts["validation"] == 3);
    CHECK(counts["test"] == 3);
    return bytes_of(file);
  };
  const std::string grouped = split("a", {"--seed", "1"});
  CHECK(grouped == split("b", {"--seed", "1", "--protocol", "grouped"}));
  CHECK(grouped != split("c", {"--seed", "2"}));
  const std::string paper = split("d", {"--seed", "1", "--protocol", "paper"});
  for (const json& parts : {json::parse(grouped), json::parse(paper)}) {
    std::set<std::string> files;
    for (const char* part : {"train", "validation", "test"})
      for (const json& image : parts[part]) {
        for (const char* key : {"file", "label", "class", "sha256", "group"}) CHECK(image.contains(key));
        CHECK(files.insert(image["file"]).second);
      }
    CHECK(files.size() == 30);
    CHECK(parts["classes"] == json{"benign", "normal", "malignant"});
  }

  std::string order;
  for (const char* name : {"normal", "malignant", "benign"})
    for (int i = 10; i >= 1; --i)
      order += std::string(name) + "/" + name + " (" + std::to_string(i) + ").png\n";
  write(folder / "order.txt", order);
  const Arguments ordered{"--seed", "1", "--protocol", "paper", "--order", (folder / "order.txt").string()};
  CHECK(split("e", ordered) != paper);
  write(folder / "order.txt", order.substr(order.find('\n') + 1));
  check_refused(run(with({"data", "split", data, "--out", (folder / "f").string()}, ordered)), 1,
                {"normal/normal (10).png"});
  CHECK_FALSE(fs::exists(folder / "f"));
}

TEST_CASE("data audit finds equal pictures, conflicts of labels and broken files") {
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  fs::copy(small_run().data, data, fs::copy_options::recursive);
  fs::copy_file(data / "benign/benign (1).png", data / "benign/copy.png");
  fs::copy_file(data / "normal/normal (1).png", data / "malignant/normal.png");
  write(data / "normal/broken.png", "no image");
  const Outcome outcome = run({"data", "audit", data.string(), "--json"});
  check_done(outcome);
  const json found = json::parse(outcome.out);
  const auto holds = [](const json& pairs, const json& files) {
    return std::any_of(pairs.begin(), pairs.end(), [&](const json& pair) { return pair["files"] == files; });
  };
  const json twins{"benign/benign (1).png", "benign/copy.png"};
  const json conflict{"normal/normal (1).png", "malignant/normal.png"};
  CHECK(found["exact_pairs"].size() == 2);
  CHECK(holds(found["exact_pairs"], twins));
  CHECK(holds(found["exact_pairs"], conflict));
  CHECK(holds(found["conflicts"], conflict));
  CHECK_FALSE(holds(found["conflicts"], twins));
  CHECK(found["near_pairs"].is_array());
  CHECK(std::count(found["groups"].begin(), found["groups"].end(), twins) == 1);
  REQUIRE(found["unreadable"].size() == 1);
  CHECK(found["unreadable"][0]["file"] == "normal/broken.png");
}

TEST_CASE("data audit --html shows each group in one file that needs no other") {
  const TemporaryFolder folder;
  const fs::path data = folder / "data";
  fs::copy(small_run().data, data, fs::copy_options::recursive);
  fs::copy_file(data / "benign/benign (1).png", data / "benign/copy & paste.png");
  fs::copy_file(data / "normal/normal (1).png", data / "malignant/normal.png");
  write(data / "normal/broken.png", "no image");
  const std::string file = (folder / "sheet.html").string();
  const Outcome outcome = run({"data", "audit", data.string(), "--html", file, "--json"});
  check_done(outcome);
  const json found = json::parse(outcome.out);
  const std::string page = bytes_of(file);
  const auto count = [&](const std::string& text) {
    std::size_t n = 0;
    for (auto at = page.find(text); at != std::string::npos; at = page.find(text, at + 1)) ++n;
    return n;
  };
  std::size_t pictures = 0;
  for (const json& group : found["groups"]) pictures += group.size();
  CHECK(count("<img ") == pictures);
  CHECK(count("src=\"data:image/png;base64,") == count("src="));
  CHECK(count("href") == 0);
  CHECK(count("url(") == 0);
  CHECK(count("<article") == found["groups"].size());
  CHECK(count("different labels</span>") >= 1);
  CHECK(page.find("normal.png") < page.find("copy &amp; paste.png"));  // conflicts first
  CHECK(count("<strong>1.000</strong>1–2: same bytes") == 2);
  CHECK(count("<td>normal/broken.png</td>") == 1);
  CHECK(count("0.6 or more is a pair") == 1);
  check_refused(run({"data", "audit", data.string(), "--html", (folder / "no/sheet.html").string()}), 1,
                {"cannot write", "sheet.html"});
}
