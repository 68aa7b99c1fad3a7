#include "data/protocol.h"

#include <doctest/doctest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "base/file.h"
#include "data/phantom.h"
#include "data/sha256.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

// 36 phantoms, and generated pictures of each class whose lineage names the files of `ancestors`.
struct Folder {
  TemporaryFolder root;
  fs::path data = root / "data", generated = root / "generated";

  Folder() { write_phantoms(data, 36, 1, 32); }

  void generate(const std::vector<std::string>& ancestors, Int count = 8) const {
    for (const char* name : {"benign", "normal", "malignant"}) {
      nlohmann::json lineage{{"class", name},
                             {"run", "gan-run"},
                             {"generator_sha256", "weights"},
                             {"seed", 3},
                             {"ancestors", nlohmann::json::array()}};
      for (const std::string& hash : ancestors) lineage["ancestors"].push_back({{"sha256", hash}});
      make_folder(generated / name);
      for (Int i = 0; i < count; ++i) {
        const std::string file = fmt::format("gen_{}.png", i);
        fs::copy_file(data / name / fmt::format("{} ({}).png", name, i + 1), generated / name / file,
                      fs::copy_options::overwrite_existing);
        lineage["images"].push_back(
            {{"file", file}, {"index", i}, {"sha256", sha256(read_file(generated / name / file))}});
      }
      write_file_atomically(generated / name / "lineage.json", lineage.dump());
    }
  }
};

const std::vector<Int>& all_of(const PreparedData& data, std::vector<Int>& into) {
  for (const std::vector<Int>* part : {&data.split.train, &data.split.validation, &data.split.test})
    into.insert(into.end(), part->begin(), part->end());
  return into;
}

Int derived_in(const PreparedData& data, const std::vector<Int>& part) {
  Int count = 0;
  for (const Int i : part) count += is_original(data.folder.samples[i].origin) ? 0 : 1;
  return count;
}

std::set<Int> groups_in(const PreparedData& data, const std::vector<Int>& part) {
  std::set<Int> groups;
  for (const Int i : part) groups.insert(data.split.groups[i]);
  return groups;
}

Int relatives(const PreparedData& data) {
  const std::set<Int> train = groups_in(data, data.split.train);
  Int count = 0;
  for (const Int i : data.split.test) count += static_cast<Int>(train.count(data.split.groups[i]));
  return count;
}

std::vector<float> pixels(const PreparedData& data, Int i) {
  std::vector<float> out(data.images.height * data.images.width * 3);
  write_picture(data.images, i, out.data());
  return out;
}

}  // namespace

TEST_CASE("the arms add to each class what the notebook adds") {
  CHECK(copies_of_each(437, 1350) == 3);
  CHECK(copies_of_each(133, 1350) == 10);
  CHECK(copies_of_each(210, 1350) == 6);
  CHECK(generated_images(437, 1350) == 920);
  CHECK(generated_images(133, 1350) == 1200);
  CHECK(generated_images(210, 1350) == 1120);  // 28.5 steps: half to even
  CHECK(generated_images(1400, 1350) == 0);
  CHECK(copies_of_each(1400, 1350) == 0);
}

TEST_CASE("paper: the augmented arm is made first and split blindly, so most test images have relatives") {
  const Folder folder;
  const PreparedData data =
      prepare(list_folder(folder.data), 16, {.protocol = "paper", .arm = Arm::augmented, .target = 60});
  CHECK(data.folder.size() == 36 * 6);
  CHECK(data.images.size() == 36 * 6);
  std::vector<Int> all;
  CHECK(all_of(data, all).size() == 216);
  CHECK(data.split.test.size() == 22);
  CHECK(derived_in(data, data.split.test) > 10);
  CHECK(relatives(data) > 15);
  // class by class, pass by pass, behind the originals
  const LabelledFile &first = data.folder.samples[36], &last = data.folder.samples[215];
  CHECK(first.file == "benign/benign (1)#1.png");
  CHECK(last.file == "malignant/malignant (9)#5.png");
  CHECK(last.label == 2);
}

TEST_CASE(
    "grouped: copies are of training images and only train; they are turned anew each time, unrounded") {
  const Folder folder;
  const ProtocolOptions options{.arm = Arm::augmented, .seed = 5, .target = 60};
  const PreparedData data = prepare(list_folder(folder.data), 16, options);
  const PreparedData plain = prepare(list_folder(folder.data), 16, {.seed = 5});
  CHECK(data.split.test == plain.split.test);
  CHECK(data.split.validation == plain.split.validation);
  CHECK(data.split.train.size() == plain.split.train.size() * 6);
  CHECK(derived_in(data, data.split.test) + derived_in(data, data.split.validation) == 0);
  CHECK(relatives(data) == 0);
  Int fractions = 0;
  for (const Int i : data.split.train) {
    const auto* copy = std::get_if<Augmented>(&data.folder.samples[i].origin);
    if (!copy) continue;
    CHECK(data.labels[i] == data.labels[copy->source]);
    CHECK(data.split.groups[i] == data.split.groups[copy->source]);
    std::vector<float> expected(16 * 16 * 3);
    write_turned(data.images.image(copy->source), 16, 16, copy->turn, expected.data());
    CHECK(pixels(data, i) == expected);
    for (const float value : expected) fractions += value != std::floor(value) ? 1 : 0;
  }
  CHECK(fractions > 1000);
  // the same copies under the other protocol: functions of seed, file and pass
  const PreparedData paper = prepare(list_folder(folder.data), 16,
                                     {.protocol = "paper", .arm = Arm::augmented, .seed = 5, .target = 60});
  std::map<std::string, std::string> hashes;
  for (const LabelledFile& sample : paper.folder.samples) hashes[sample.file] = sample.sha256;
  for (const LabelledFile& sample : data.folder.samples) CHECK(hashes.at(sample.file) == sample.sha256);
}

TEST_CASE("grouped: a GAN may have seen training images only; its pictures only train") {
  const Folder folder;
  ProtocolOptions options{.arm = Arm::gan, .target = 20, .step = 4, .generated = folder.generated};
  const PreparedData plain = prepare(list_folder(folder.data), 16, {});
  std::vector<std::string> trained;
  for (const Int i : plain.split.train) trained.push_back(plain.folder.samples[i].sha256);
  folder.generate(trained);
  const PreparedData data = prepare(list_folder(folder.data), 16, options);
  CHECK(data.split.train.size() == plain.split.train.size() + 24);
  CHECK(derived_in(data, data.split.train) == 24);
  CHECK(data.split.test == plain.split.test);
  CHECK(data.folder.generators.size() == 3);

  trained.push_back(plain.folder.samples[plain.split.test[0]].sha256);
  folder.generate(trained);
  const std::string refusal = error_of([&] { prepare(list_folder(folder.data), 16, options); });
  CHECK(refusal.find("1 of the " + std::to_string(trained.size()) + " images that this GAN saw") !=
        std::string::npos);
  options.protocol = "paper";
  const PreparedData paper = prepare(list_folder(folder.data), 16, options);
  CHECK(paper.folder.size() == 60);
  CHECK(derived_in(paper, paper.split.test) >= 1);
  CHECK(paper.split.related.empty());  // nobody looked for near duplicates
  options.groups = find_groups(list_folder(folder.data));
  const PreparedData known = prepare(list_folder(folder.data), 16, options);
  std::set<Int> made_by;  // a GAN's pictures are a group each, however many they are
  for (Int i = 0; i < known.folder.size(); ++i)
    if (!is_original(known.folder.samples[i].origin)) made_by.insert(known.split.related[i]);
  CHECK(made_by.size() == 3);
  options.groups = {};

  options.target = 13;  // a quarter of a step above the classes' 12 images
  CHECK(error_of([&] { prepare(list_folder(folder.data), 16, options); }) ==
        "the gan arm adds nothing to classes as large as these at --target 13; give a larger one");
  options.target = 60;
  const std::string few = error_of([&] { prepare(list_folder(folder.data), 16, options); });
  CHECK(few.find("it lists 8 images where 48 are wanted") != std::string::npos);
  fs::remove_all(folder.generated);
  const std::string none = error_of([&] { prepare(list_folder(folder.data), 16, options); });
  CHECK(none.find("lineage.json: no such file") != std::string::npos);
}

TEST_CASE("generated pictures are those that their lineage hashes") {
  const Folder folder;
  folder.generate({});
  const fs::path normal = folder.generated / "normal";
  const std::string lineage = read_file(normal / "lineage.json");
  const auto refusal = [&] {
    return error_of([&] {
      prepare(list_folder(folder.data), 16,
              {.protocol = "paper", .arm = Arm::gan, .target = 20, .step = 4, .generated = folder.generated});
    });
  };
  CHECK(refusal() == "no error");
  fs::copy_file(normal / "gen_1.png", normal / "gen_3.png", fs::copy_options::overwrite_existing);
  CHECK(refusal() == (normal / "gen_3.png").string() +
                         " is not the picture that its lineage.json tells of; have `sonograd gan sample` "
                         "write the folder again");
  auto json = nlohmann::json::parse(lineage);
  for (auto& image : json["images"]) image.erase("sha256");  // as earlier versions wrote it
  write_file_atomically(normal / "lineage.json", json.dump());
  CHECK(refusal().find("lineage.json: it does not hash gen_0.png") != std::string::npos);
  CHECK(refusal().find("gan sample") != std::string::npos);
  fs::copy_file(folder.generated / "benign/lineage.json", normal / "lineage.json",
                fs::copy_options::overwrite_existing);
  CHECK(refusal().find("these are pictures of class benign, not normal") != std::string::npos);
}

TEST_CASE("a split with derived images reads back: the same pictures in the same parts") {
  const Folder folder;
  folder.generate({});
  for (const Arm arm : {Arm::augmented, Arm::gan})
    for (const char* protocol : {"paper", "grouped"}) {
      CAPTURE(protocol);
      const PreparedData data =
          prepare(list_folder(folder.data), 16,
                  {.protocol = protocol, .arm = arm, .target = 20, .step = 4, .generated = folder.generated});
      const fs::path file = folder.root / "split.json";
      write_split(file, data.folder, data.split);
      const PreparedData again = prepare_again(list_folder(folder.data), 16, file);
      CHECK(again.split.arm == name_of(arm));
      CHECK(split_hash(again.folder, again.split) == split_hash(data.folder, data.split));
      REQUIRE(again.split.test.size() == data.split.test.size());
      REQUIRE(again.split.train.size() == data.split.train.size());
      for (std::size_t i = 0; i < data.split.train.size(); ++i) {
        CHECK(pixels(again, again.split.train[i]) == pixels(data, data.split.train[i]));
        CHECK(again.labels[again.split.train[i]] == data.labels[data.split.train[i]]);
      }
      CHECK(split_text(again.folder, again.split) == read_file(file));
      // what a GAN learns from
      const Split originals = read_split(file, list_folder(folder.data));
      CHECK(static_cast<Int>(originals.train.size()) ==
            static_cast<Int>(data.split.train.size()) - derived_in(data, data.split.train));
    }
}

TEST_CASE("k folds test every image once, a group in one fold") {
  const Folder folder;
  fs::copy_file(folder.data / "benign/benign (1).png", folder.data / "benign/copy.png");
  std::map<std::string, int> tested;
  for (Int fold = 1; fold <= 4; ++fold) {
    const PreparedData data = prepare(list_folder(folder.data), 16, {.folds = 4, .fold = fold});
    CHECK(relatives(data) == 0);
    for (const Int i : data.split.test) ++tested[data.folder.samples[i].file];
    CHECK(data.split.validation.size() >= 8);
  }
  CHECK(tested.size() == 37);
  for (const auto& counted : tested) CHECK_MESSAGE(counted.second == 1, counted.first);
  CHECK(error_of([&] {
          prepare(list_folder(folder.data), 16, {.folds = 4, .fold = 5});
        }).find("fold 5 of 4") != std::string::npos);
}

TEST_CASE("grouped: groups with two labels and unreadable files take part nowhere, and are listed") {
  const Folder folder;
  fs::copy_file(folder.data / "benign/benign (1).png", folder.data / "malignant/copy.png");
  write_file_atomically(folder.data / "normal/broken.png", "no image");
  const PreparedData data = prepare(list_folder(folder.data), 16, {.on_bad_file = OnBadFile::skip});
  std::vector<Int> all;
  CHECK(all_of(data, all).size() == 35);
  CHECK(data.split.excluded.size() == 2);
  const auto json = nlohmann::json::parse(split_text(data.folder, data.split));
  REQUIRE(json["excluded"].size() == 3);
  CHECK(json["excluded"][0]["file"] == "benign/benign (1).png");
  CHECK(json["excluded"][1]["file"] == "malignant/copy.png");
  CHECK(json["excluded"][2]["file"] == "normal/broken.png");
}
