// The protocols between the paper's and grouped, each of which corrects one thing more (data/protocol.h).
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "data/decode.h"
#include "data/phantom.h"
#include "data/png.h"
#include "data/protocol.h"
#include "tests/error_of.h"
#include "tests/temporary_folder.h"

using namespace sonograd;
namespace fs = std::filesystem;

namespace {

// 60 phantoms of 48 pixels, each with a darker twin; the twin of benign (1) lies among the malignant.
struct TwinFolder {
  TemporaryFolder root;
  fs::path data = root / "data";

  TwinFolder() {
    write_phantoms(data, 60, 1, 48);
    for (const LabelledFile& sample : list_folder(data).samples) {
      Image twin = read_image(data / sample.file);
      for (std::uint8_t& value : twin.pixels) value = static_cast<std::uint8_t>(0.85 * value);
      const fs::path file = data / sample.file;
      const fs::path folder =
          sample.file == "benign/benign (1).png" ? data / "malignant" : file.parent_path();
      write_png(folder / ("twin of " + file.filename().string()), twin);
    }
  }

  PreparedData prepared(const char* protocol, Arm arm = Arm::original, bool random_labels = false) const {
    return prepare(list_folder(data), 16,
                   {.protocol = protocol, .arm = arm, .target = 60, .random_labels = random_labels});
  }
};

// How many images of `part` have the picture or the twin of one in `other`.
Int shared(const PreparedData& data, const std::vector<Int>& part, const std::vector<Int>& other) {
  const auto scan = [&](Int i) {
    std::string name = fs::path(data.folder.samples[i].file).stem().string();
    if (name.rfind("twin of ", 0) == 0) name = name.substr(8);
    return name.substr(0, name.find('#'));
  };
  std::set<std::string> seen;
  for (const Int i : other) seen.insert(scan(i));
  Int count = 0;
  for (const Int i : part) count += static_cast<Int>(seen.count(scan(i)));
  return count;
}

Int copies_in(const PreparedData& data, const std::vector<Int>& part) {
  Int count = 0;
  for (const Int i : part) count += is_original(data.folder.samples[i].origin) ? 0 : 1;
  return count;
}

}  // namespace

TEST_CASE("each protocol of the ladder corrects one thing more than the one before") {
  const TwinFolder twins;
  const PreparedData first = twins.prepared("derived-first", Arm::augmented);
  CHECK(copies_in(first, first.split.test) > 0);
  const PreparedData paper = twins.prepared("paper", Arm::augmented);
  CHECK(first.split.test == paper.split.test);

  const PreparedData split = twins.prepared("split-first", Arm::augmented);
  CHECK(copies_in(split, split.split.test) + copies_in(split, split.split.validation) == 0);
  CHECK(copies_in(split, split.split.train) > 0);
  CHECK(shared(split, split.split.test, split.split.train) > 0);

  const PreparedData apart = twins.prepared("twins-apart", Arm::augmented);
  CHECK(shared(apart, apart.split.test, apart.split.train) == 0);
  CHECK(shared(apart, apart.split.test, apart.split.validation) == 0);
  CHECK(shared(apart, apart.split.validation, apart.split.train) > 0);
  CHECK(apart.split.excluded.empty());

  const PreparedData agreed = twins.prepared("conflicts-out", Arm::augmented);
  REQUIRE(agreed.split.excluded.size() == 2);
  CHECK(agreed.folder.samples[agreed.split.excluded[0].sample].file == "benign/benign (1).png");
  CHECK(shared(agreed, agreed.split.validation, agreed.split.train) > 0);

  const PreparedData validation = twins.prepared("validation-apart", Arm::augmented);
  CHECK(shared(validation, validation.split.validation, validation.split.train) == 0);
  CHECK(validation.split.validation.size() == agreed.split.validation.size());
  CHECK(validation.split.test == agreed.split.test);
  CHECK(validation.split.test == twins.prepared("grouped", Arm::augmented).split.test);
  CHECK(error_of([&] { twins.prepared("honest"); }).find("split-first, twins-apart") != std::string::npos);
}

TEST_CASE("random labels: a group's own, dealt out anew, as many of each; a split.json keeps them") {
  const TwinFolder twins;
  const PreparedData as_they_are = twins.prepared("conflicts-out");
  for (const char* protocol : {"paper", "grouped"}) {
    const PreparedData data = twins.prepared(protocol, Arm::original, true);
    CHECK(data.labels != as_they_are.labels);
    CHECK(data.split.excluded.empty());
    std::map<Int, Int> label_of_group;
    for (Int i = 0; i < data.folder.size(); ++i) {
      const auto at = label_of_group.try_emplace(data.split.groups[i], data.labels[i]);
      CHECK(at.first->second == data.labels[i]);
    }
    std::map<Int, Int> groups_with;
    for (const auto& group : label_of_group) ++groups_with[group.second];
    CHECK(groups_with[0] == 20);
    CHECK(groups_with[1] == 20);

    write_split(twins.root / "split.json", data.folder, data.split);
    const PreparedData again = prepare_again(list_folder(twins.data), 16, twins.root / "split.json");
    CHECK(again.labels == data.labels);
    CHECK(again.split.random_labels);
    CHECK(twins.prepared(protocol, Arm::original, true).labels == data.labels);
  }
  CHECK(error_of([&] { twins.prepared("grouped", Arm::gan, true); }).find("random labels") !=
        std::string::npos);
}

TEST_CASE(
    "near duplicates that were found before give every protocol the split that looking for them gives") {
  const TwinFolder twins;
  const KnownGroups known = find_groups(list_folder(twins.data));
  std::vector<std::string> backwards;
  const Dataset folder = list_folder(twins.data);
  for (Int i = folder.size() - 1; i >= 0; --i) backwards.push_back(folder.samples[i].file);
  for (const char* protocol : protocol_ladder)
    for (const Arm arm : {Arm::original, Arm::augmented})
      for (const bool random_labels : {false, true}) {
        CAPTURE(protocol);
        ProtocolOptions options{
            .protocol = protocol, .arm = arm, .target = 60, .random_labels = random_labels};
        if (random_labels) options.order = backwards;
        const PreparedData looked = prepare(list_folder(twins.data), 16, options);
        options.groups = known;
        CHECK_FALSE(looks_for_duplicates(options));
        PreparedData told = prepare(list_folder(twins.data), 16, options);
        CHECK(static_cast<Int>(told.split.related.size()) == told.folder.size());
        if (looked.split.related.empty()) told.split.related.clear();  // this protocol does not look
        CHECK(told.split.groups == looked.split.groups);
        CHECK((split_text(told.folder, told.split) == split_text(looked.folder, looked.split)));
      }
  Image changed = read_image(twins.data / "benign/benign (2).png");
  changed.pixels[0] ^= 1;
  write_png(twins.data / "benign/benign (2).png", changed);
  CHECK(error_of([&] { prepare(list_folder(twins.data), 16, {.groups = known}); }) ==
        "benign/benign (2).png has changed since near duplicates were looked for; start again");
}

TEST_CASE("intervals go by the same near duplicates on every rung") {
  const TwinFolder twins;
  const KnownGroups known = find_groups(list_folder(twins.data));
  const auto related = [&](const std::string& protocol) {
    const PreparedData data =
        prepare(list_folder(twins.data), 16,
                {.protocol = protocol, .arm = Arm::augmented, .target = 60, .groups = known});
    std::map<std::string, std::string> leaders;
    for (Int i = 0; i < data.folder.size(); ++i) {
      const LabelledFile& sample = data.folder.samples[i];
      const std::string leader = data.folder.samples[data.split.related[i]].file;
      if (const auto* copy = std::get_if<Augmented>(&sample.origin))
        CHECK(leader == data.folder.samples[data.split.related[copy->source]].file);
      else
        leaders[sample.file] = leader;
    }
    write_split(twins.root / "split.json", data.folder, data.split);
    const PreparedData again = prepare_again(list_folder(twins.data), 16, twins.root / "split.json");
    CHECK((split_text(again.folder, again.split).find("\"related\"") != std::string::npos));
    for (const Int i : again.split.test)
      if (is_original(again.folder.samples[i].origin))
        CHECK(again.folder.samples[again.split.related[i]].file == leaders.at(again.folder.samples[i].file));
    return leaders;
  };
  const auto honest = related("grouped");
  std::set<std::string> groups;
  for (const auto& pair : honest) groups.insert(pair.second);
  CHECK(groups.size() < honest.size());
  for (const char* protocol : protocol_ladder) {
    CAPTURE(protocol);
    CHECK((related(protocol) == honest));
  }
}
