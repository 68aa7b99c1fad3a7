#include "data/verify_split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "data/decode.h"
#include "data/phantom.h"
#include "data/png.h"
#include "data/protocol.h"
#include "data/sha256.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

using Json = nlohmann::json;

Image darker(Image image) {
  for (std::uint8_t& value : image.pixels) value = static_cast<std::uint8_t>(0.8 * value);
  return image;
}

struct Phantoms {
  TemporaryFolder root;
  fs::path data = root / "data", generated = root / "generated", split = root / "split.json";

  Phantoms() { write_phantoms(data, 36, 2, 64); }

  PreparedData write(const ProtocolOptions& options) const {
    PreparedData prepared = prepare(list_folder(data), 16, options);
    write_split(split, prepared.folder, prepared.split);
    return prepared;
  }

  // Generated pictures of each class, by a GAN that saw the files of these hashes; with `copied` it made the
  // first of its class by heart, darker.
  void generate(const std::vector<std::string>& ancestors, const std::string& copied = {}) const {
    Int label = 0;
    for (const char* name : {"benign", "normal", "malignant"}) {
      nlohmann::json lineage{{"class", name},
                             {"run", "gan"},
                             {"generator_sha256", fmt::format("weights of {}", name)},
                             {"seed", 3},
                             {"ancestors", nlohmann::json::array()}};
      for (const std::string& hash : ancestors) lineage["ancestors"].push_back({{"sha256", hash}});
      make_folder(generated / name);
      for (Int i = 0; i < 8; ++i) {
        const std::string file = fmt::format("gen_{}.png", i);
        Image image = make_phantom(label, i, 99, 64).image;
        if (i == 0 && copied.rfind(name, 0) == 0) image = darker(read_image(data / copied));
        write_png(generated / name / file, image);
        lineage["images"].push_back(
            {{"file", file}, {"index", i}, {"sha256", sha256(read_file(generated / name / file))}});
      }
      write_file_atomically(generated / name / "lineage.json", lineage.dump());
      ++label;
    }
  }
};

std::vector<std::string> hashes_of(const PreparedData& data, const std::vector<Int>& part) {
  std::vector<std::string> hashes;
  hashes.reserve(part.size());
  for (const Int i : part) hashes.push_back(data.folder.samples[i].sha256);
  return hashes;
}

// What is said of an image that is held out.
std::vector<Leak> leaks_of(const SplitCheck& check, const std::string& file, const std::string& label) {
  std::vector<Leak> found;
  for (const Leak& leak : check.leaks)
    if (leak.file == file && leak.kind.label == label) found.push_back(leak);
  return found;
}

std::set<std::string> kinds(const SplitCheck& check) {
  std::set<std::string> found;
  for (const Leak& leak : check.leaks) found.insert(leak.kind.label);
  return found;
}

}  // namespace

TEST_CASE("a clean split holds, in each arm, and its files are known by their hashes") {
  const Phantoms phantoms;
  const PreparedData plain = phantoms.write({});
  CHECK(verify_split(phantoms.split).holds());
  CHECK_FALSE(verify_split(phantoms.split).pictures_compared);
  CHECK(verify_split(phantoms.split, phantoms.data).holds());
  CHECK(verify_split(phantoms.split, phantoms.data).pictures_compared);
  phantoms.write({.arm = Arm::augmented, .target = 36});
  CHECK(verify_split(phantoms.split, phantoms.data).holds());
  phantoms.generate(hashes_of(plain, plain.split.train));
  phantoms.write({.arm = Arm::gan, .target = 20, .step = 4, .generated = phantoms.generated});
  CHECK(verify_split(phantoms.split, phantoms.data).holds());

  CHECK(verify_split(phantoms.split, phantoms.data).unnamed.empty());
  fs::copy_file(phantoms.data / "benign/benign (1).png", phantoms.data / "benign/new.png");
  CHECK(verify_split(phantoms.split, phantoms.data).unnamed == std::vector<std::string>{"benign/new.png"});
  nlohmann::json split = nlohmann::json::parse(read_file(phantoms.split));
  split["excluded"].push_back({{"file", "benign/new.png"}, {"reason", "a twin"}});
  write_file_atomically(phantoms.split, split.dump());
  CHECK(verify_split(phantoms.split, phantoms.data).unnamed.empty());
  CHECK(verify_split(phantoms.split, phantoms.data).left_out == 1);

  fs::copy_file(phantoms.data / "benign/benign (1).png", phantoms.data / "benign/benign (2).png",
                fs::copy_options::overwrite_existing);
  const SplitCheck check = verify_split(phantoms.split, phantoms.data);
  CHECK_FALSE(check.holds());
  REQUIRE(check.changed.size() == 1);
  CHECK(check.changed[0].find("benign/benign (2).png: has changed") == 0);
}

TEST_CASE("augment-then-split and GAN-then-split are named by the taxonomy") {
  const Phantoms phantoms;
  const PreparedData augmented = phantoms.write({.protocol = "paper", .arm = Arm::augmented, .target = 60});
  const SplitCheck copies = verify_split(phantoms.split);
  CHECK(kinds(copies).count("L1.2") == 1);
  CHECK(kinds(copies).count("L3.3") == 1);
  std::set<Int> train;
  for (const Int i : augmented.split.train) train.insert(augmented.split.groups[i]);
  const auto related = std::count_if(augmented.split.test.begin(), augmented.split.test.end(),
                                     [&](Int i) { return train.count(augmented.split.groups[i]) > 0; });
  std::set<std::string> named;
  Int pairs = 0, expected = 0;
  for (const Leak& leak : copies.leaks) {
    if (leak.kind.label != std::string("L1.2")) continue;
    if (leak.part == "test" && leak.other_part == "train") named.insert(leak.file);
    pairs += 1 + leak.more;
  }
  CHECK(static_cast<Int>(named.size()) == related);
  const auto count_pairs = [&](const std::vector<Int>& held, const std::vector<Int>& other) {
    for (const Int i : held)
      for (const Int j : other) expected += augmented.split.groups[i] == augmented.split.groups[j] ? 1 : 0;
  };
  count_pairs(augmented.split.test, augmented.split.train);
  count_pairs(augmented.split.test, augmented.split.validation);
  count_pairs(augmented.split.validation, augmented.split.train);
  CHECK(pairs == expected);

  std::vector<std::string> all;
  for (const LabelledFile& sample : list_folder(phantoms.data).samples) all.push_back(sample.sha256);
  phantoms.generate(all);
  phantoms.write(
      {.protocol = "paper", .arm = Arm::gan, .target = 20, .step = 4, .generated = phantoms.generated});
  const SplitCheck made = verify_split(phantoms.split);
  CHECK(kinds(made) == std::set<std::string>{"L1.2", "L3.2", "L3.3"});

  Json split = Json::parse(read_file(phantoms.split));
  const auto is_generated = [](const Json& image) { return image.contains("generated"); };
  auto &test = split["test"], &trained = split["train"];
  Json& held = *std::find_if(test.begin(), test.end(), is_generated);
  const Json sibling = *std::find_if(trained.begin(), trained.end(), is_generated);
  held["group"] = sibling["group"];
  held["generated"]["generator"] = sibling["generated"]["generator"];
  write_file_atomically(phantoms.split, split.dump());
  std::set<std::string> evidence;
  for (const Leak& leak : leaks_of(verify_split(phantoms.split), held["file"], "L3.2"))
    evidence.insert(leak.evidence);
  CHECK(evidence == std::set<std::string>{"made by one GAN", "of one group, as the split itself says"});
}

TEST_CASE("a generated picture that shows a held-out image, and one whose lineage is another's, are named") {
  const Phantoms phantoms;
  const PreparedData plain = phantoms.write({});
  const std::string copied = plain.folder.samples[plain.split.test.front()].file;
  const std::vector<std::string> trained = hashes_of(plain, plain.split.train);
  phantoms.generate(trained, copied);
  phantoms.write({.arm = Arm::gan, .target = 20, .step = 4, .generated = phantoms.generated});
  CHECK(verify_split(phantoms.split).holds());
  const SplitCheck seen = verify_split(phantoms.split, phantoms.data);
  CHECK(seen.changed.empty());
  REQUIRE(seen.leaks.size() == 1);
  CHECK(seen.leaks[0].kind.label == std::string("L1.4"));
  CHECK(seen.leaks[0].file == copied);
  CHECK(seen.leaks[0].other.find("gen_0.png") != std::string::npos);

  const Json generators = Json::parse(read_file(phantoms.split))["generators"];
  REQUIRE(generators.size() == 3);
  CHECK(generators[1]["generator_sha256"] == "weights of normal");
  const auto complaints = [&] { return verify_split(phantoms.split, phantoms.data).changed; };
  const std::string lineage = read_file(phantoms.generated / "normal/lineage.json");
  for (const char* key : {"generator_sha256", "ancestors"}) {
    Json other = Json::parse(lineage);
    other[key] = key == std::string("ancestors") ? Json::array() : Json("others");
    write_file_atomically(phantoms.generated / "normal/lineage.json", other.dump());
    REQUIRE(complaints().size() == 1);
    CHECK(complaints()[0].find("normal/lineage.json: tells of another GAN") != std::string::npos);
  }
}

TEST_CASE("the twin of a copy's source is named, though the source is in no part") {
  const Phantoms phantoms;
  const PreparedData data = phantoms.write({.arm = Arm::augmented, .target = 36});
  const std::string held = data.folder.samples[data.split.test.front()].file;
  write_png(phantoms.data / "source.png", darker(read_image(phantoms.data / held)));
  Json split = Json::parse(read_file(phantoms.split));
  const auto copy = std::find_if(split["train"].begin(), split["train"].end(),
                                 [](const Json& image) { return image.contains("augmented"); });
  Json& turn = (*copy)["augmented"];
  turn["source"] = "source.png";
  write_file_atomically(phantoms.split, split.dump());
  CHECK(verify_split(phantoms.split, phantoms.data).changed ==
        std::vector<std::string>{"source.png: has changed since the split was made"});
  (*copy)["sha256"] = copy_hash(sha256(read_file(phantoms.data / "source.png")),
                                {turn["angle"], turn["left_right"], turn["up_down"]});
  write_file_atomically(phantoms.split, split.dump());
  const SplitCheck check = verify_split(phantoms.split, phantoms.data);
  REQUIRE(check.changed.size() == 1);
  CHECK(check.changed[0].find("the split itself: its hash is not that of its parts") == 0);
  const std::vector<Leak> leaks = leaks_of(check, held, "L1.4");
  REQUIRE(leaks.size() == 1);
  CHECK(leaks[0].other == (*copy)["file"]);

  fs::remove(phantoms.data / "source.png");
  REQUIRE(verify_split(phantoms.split, phantoms.data).changed.size() == 2);
  CHECK(verify_split(phantoms.split, phantoms.data).changed[1].find("source.png: ") == 0);
}

TEST_CASE("every twin of a held-out image is named") {
  const Phantoms phantoms;
  Image image = make_phantom(0, 1, 2, 64).image;
  for (int k = 1; k <= 5; ++k)
    write_png(phantoms.data / fmt::format("benign/twin{}.png", k), image = darker(image));
  Dataset folder = list_folder(phantoms.data);
  Split split{"paper", 42};
  for (Int i = 0; i < folder.size(); ++i) {
    split.groups.push_back(i);
    (folder.samples[i].file == "benign/benign (1).png" ? split.test : split.train).push_back(i);
  }
  write_split(phantoms.split, folder, split);
  const SplitCheck check = verify_split(phantoms.split, phantoms.data);
  CHECK(leaks_of(check, "benign/benign (1).png", "L1.4").size() == 5);
  CHECK(check.leaks.size() == 5);
}

TEST_CASE("twins across the parts are found, whatever was done to them") {
  const Phantoms phantoms;
  for (const Int index : {1, 2, 3, 4, 5, 6}) {
    Image image = make_phantom(0, index, 2, 64).image, copy = image;
    for (Int y = 0; y < 64; ++y)
      for (Int x = 0; x < 64; ++x)
        for (Int c = 0; c < 3; ++c)  // flipped, and half of them with another gain
          copy.row(y)[3 * x + c] = static_cast<std::uint8_t>(
              image.row(index % 3 == 0 ? 63 - y : y)[3 * (63 - x) + c] * (index % 2 == 0 ? 0.7 : 1.0));
    write_png(phantoms.data / fmt::format("benign/twin{}.png", index), copy);
  }
  Dataset folder = list_folder(phantoms.data);
  std::vector<Int> alone;
  for (Int i = 0; i < folder.size(); ++i) alone.push_back(i);
  Split split = paper_split(folder, alone, 42);  // blind
  write_split(phantoms.split, folder, split);
  CHECK(verify_split(phantoms.split).holds());  // the hashes tell nothing
  const SplitCheck seen = verify_split(phantoms.split, phantoms.data);
  CHECK(kinds(seen) == std::set<std::string>{"L1.4"});
  phantoms.write({});
  CHECK(verify_split(phantoms.split, phantoms.data).holds());

  split.test.clear();
  write_split(phantoms.split, folder, split);
  CHECK(kinds(verify_split(phantoms.split)) == std::set<std::string>{"L1.1"});
}
