#include "data/verify_split.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "data/phantom.h"
#include "data/png.h"
#include "data/protocol.h"
#include "tensor/file.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

struct Phantoms {
  TemporaryFolder root;
  fs::path data = root / "data", generated = root / "generated", split = root / "split.json";

  Phantoms() { write_phantoms(data, 36, 2, 64); }

  PreparedData write(const ProtocolOptions& options) const {
    PreparedData prepared = prepare(list_folder(data), 16, options);
    write_split(split, prepared.folder, prepared.split);
    return prepared;
  }

  // Generated pictures of each class, by a GAN that saw the files of these hashes.
  void generate(const std::vector<std::string>& ancestors) const {
    Int label = 0;
    for (const char* name : {"benign", "normal", "malignant"}) {
      nlohmann::json lineage{{"run", "gan"}, {"seed", 3}, {"ancestors", nlohmann::json::array()}};
      for (const std::string& hash : ancestors) lineage["ancestors"].push_back({{"sha256", hash}});
      make_folder(generated / name);
      for (Int i = 0; i < 8; ++i) {
        const std::string file = fmt::format("gen_{}.png", i);
        write_png(generated / name / file, make_phantom(label, i, 99, 64).image);
        lineage["images"].push_back({{"file", file}, {"index", i}});
      }
      write_file_atomically(generated / name / "lineage.json", lineage.dump());
      ++label;
    }
  }
};

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
  std::vector<std::string> trained;
  for (const Int i : plain.split.train) trained.push_back(plain.folder.samples[i].sha256);
  phantoms.generate(trained);
  phantoms.write({.arm = Arm::gan, .target = 20, .step = 4, .generated = phantoms.generated});
  CHECK(verify_split(phantoms.split, phantoms.data).holds());

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
  CHECK(std::count_if(copies.leaks.begin(), copies.leaks.end(), [](const Leak& leak) {
          return leak.part == "test" && leak.other_part == "train" && leak.kind.label == std::string("L1.2");
        }) == related);

  std::vector<std::string> all;
  for (const LabelledFile& sample : list_folder(phantoms.data).samples) all.push_back(sample.sha256);
  phantoms.generate(all);
  phantoms.write(
      {.protocol = "paper", .arm = Arm::gan, .target = 20, .step = 4, .generated = phantoms.generated});
  const SplitCheck made = verify_split(phantoms.split);
  CHECK(kinds(made) == std::set<std::string>{"L1.2", "L3.2", "L3.3"});
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
